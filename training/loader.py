"""Batches of packed rows from weighted sources, in one order for any number of ranks and workers.

The global batch has `rows` slots; a rank serves a contiguous block of them. Every batch carries the state
that continues behind it, so reading ahead never runs away from what was trained on.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import numpy as np

from training.arrays import Int32, Int64
from training.documents import Reader
from training.lanes import Deck, Lane
from training.mixing import assign_slots, integer_shares, quota
from training.shards import ShardSet
from training.tokens import Tokenizer

FORMAT = 1


@dataclass(frozen=True)
class LoaderState:
    """Where the data stream stands: `cursors` [sources, slots, 4].

    In a rank's own state only the cursors of its slots are current.
    """

    step: int
    counts: Int64  # [sources] rows so far
    served: Int64  # [sources, slots] rows of each lane so far
    cursors: Int64

    @classmethod
    def start(cls, sources: int, slots: int) -> LoaderState:
        lanes = (sources, slots)
        return cls(0, np.zeros(sources, np.int64), np.zeros(lanes, np.int64), np.zeros((*lanes, 4), np.int64))

    def to_json(self) -> dict[str, Any]:
        arrays = {"counts": self.counts, "served": self.served, "cursors": self.cursors}
        return {
            "format": FORMAT,
            "step": self.step,
            **{name: array.tolist() for name, array in arrays.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LoaderState:
        counts, served, cursors = (np.array(data[k], dtype=np.int64) for k in ("counts", "served", "cursors"))
        return cls(int(data["step"]), counts, served, cursors)


@dataclass(frozen=True)
class Batch:
    """One rank's part of a global batch.

    A position of 0 marks where a document, or the rest of one, begins.
    """

    ids: Int32  # [slots of the rank, length]
    positions: Int32
    sources: Int64  # [all slots] the source of each row of the global batch
    state: LoaderState  # continues behind this batch

    def digests(self) -> list[bytes]:
        """A hash of each row's ids; together, in slot order, they identify the global batch."""
        return [hashlib.blake2b(row.astype("<i4").tobytes(), digest_size=16).digest() for row in self.ids]


@dataclass(frozen=True)
class _Pending:
    """A step that is being read: workers write rows in place and note where each lane then stands."""

    planned: LoaderState
    sources: Int64
    ids: Int32
    positions: Int32
    moved: dict[int, Int64] = field(default_factory=dict)  # slot -> cursor behind its row
    futures: list[Future[None]] = field(default_factory=list)


class Loader:
    """`with Loader(...) as loader: loader.next()`, without end: the caller stops at its budget of tokens."""

    def __init__(
        self,
        shards: ShardSet,
        tokenizer: Tokenizer,
        *,
        rows: int,
        length: int,
        seed: int,
        vocabulary: int | None = None,
        slots: range | None = None,
        state: LoaderState | None = None,
        workers: int = 0,
        prefetch: int = 2,
    ) -> None:
        self._length, self._prefetch = length, prefetch
        self._slots = range(rows) if slots is None else slots
        self._shares = integer_shares([source.weight for source in shards.sources])
        self._planned = state or LoaderState.start(len(shards.sources), rows)
        self._cursors = self._planned.cursors
        reader = Reader(tokenizer, vocabulary)
        decks = [Deck(source, rows, seed) for source in shards.sources]
        self._lanes = {
            (s, slot): Lane(deck, reader, slot, self._planned.cursors[s, slot])
            for s, deck in enumerate(decks)
            for slot in self._slots
        }
        # One thread per pool: a worker owns fixed slots and reads them in order, so that lanes need no locks.
        self._pools = [ThreadPoolExecutor(1, f"reader-{i}") for i in range(min(workers, len(self._slots)))]
        self._ahead: deque[_Pending] = deque()

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self.next()

    def next(self) -> Batch:
        """The rank's rows of the next global batch. Raises DataError for shards that cannot be read."""
        if not self._pools:
            pending = self._plan()
            self._read(pending, self._slots)
            return self._settle(pending)
        while len(self._ahead) < self._prefetch:
            self._ahead.append(self._submit())
        pending = self._ahead.popleft()
        for future in pending.futures:
            future.result()
        return self._settle(pending)

    def _plan(self) -> _Pending:
        """Which source each slot reads in the next step; counts alone decide, so all ranks agree."""
        old = self._planned
        taken = quota(self._shares, old.counts, old.served.shape[1])
        sources = assign_slots(taken, self._shares, old.served, old.step)
        served = old.served.copy()
        served[sources, np.arange(len(sources))] += 1
        self._planned = replace(old, step=old.step + 1, counts=old.counts + np.array(taken), served=served)
        shape = (len(self._slots), self._length)
        return _Pending(self._planned, sources, np.zeros(shape, np.int32), np.zeros(shape, np.int32))

    def _submit(self) -> _Pending:
        pending = self._plan()
        for number, pool in enumerate(self._pools):
            pending.futures.append(pool.submit(self._read, pending, self._slots[number :: len(self._pools)]))
        return pending

    def _read(self, pending: _Pending, slots: range) -> None:
        for slot in slots:
            lane, row = self._lanes[int(pending.sources[slot]), slot], slot - self._slots.start
            lane.fill(pending.ids[row], pending.positions[row])
            pending.moved[slot] = lane.cursor.copy()

    def _settle(self, pending: _Pending) -> Batch:
        """Hand a batch over, with the cursors as they stand behind it and not behind what was read ahead."""
        self._cursors = self._cursors.copy()
        for slot, cursor in pending.moved.items():
            self._cursors[pending.sources[slot], slot] = cursor
        state = replace(pending.planned, cursors=self._cursors)
        return Batch(pending.ids, pending.positions, pending.sources, state)
