"""Batches of packed rows from weighted sources, in one order for any number of ranks and workers.

The global batch has `rows` slots; a rank serves a contiguous block of them. Every batch carries the state
that continues behind it, so reading ahead never runs away from what was trained on.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

import numpy as np

from corpus.engine.errors import UserError
from training.data.arrays import IGNORE, Int32, Int64
from training.data.decks import Deck
from training.data.documents import Reader
from training.data.lanes import CURSOR, Lane
from training.data.mixing import assign_slots, integer_shares, quota, row_caps
from training.data.pages import Part, positions_of
from training.data.shards import CHAT, ShardSet
from training.data.tokens import Tokenizer

FORMAT = 2


@dataclass(frozen=True)
class LoaderState:
    """Where the data stream stands: `cursors` [sources, slots, (epoch, place, token)].

    In a rank's own state only the cursors of its slots are current.
    """

    step: int
    counts: Int64  # [sources] rows so far
    served: Int64  # [sources, slots] rows of each lane so far
    cursors: Int64

    @classmethod
    def start(cls, sources: int, slots: int) -> LoaderState:
        lanes = (sources, slots)
        return cls(
            0, np.zeros(sources, np.int64), np.zeros(lanes, np.int64), np.zeros((*lanes, CURSOR), np.int64)
        )

    def to_json(self) -> dict[str, Any]:
        arrays = {"counts": self.counts, "served": self.served, "cursors": self.cursors}
        return {
            "format": FORMAT,
            "step": self.step,
            **{name: array.tolist() for name, array in arrays.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LoaderState:
        if data.get("format") != FORMAT:
            raise UserError(
                "this checkpoint was written by another version, whose order of the data was another one; "
                "finish the run with that version, or begin a new one in another output folder."
            )
        counts, served, cursors = (np.array(data[k], dtype=np.int64) for k in ("counts", "served", "cursors"))
        return cls(int(data["step"]), counts, served, cursors)


@dataclass(frozen=True)
class Origin:
    """Where the tokens of one row came from: files by their name in the set, and rows of them in order."""

    source: str
    parts: tuple[tuple[str, tuple[int, ...]], ...]

    def __str__(self) -> str:
        files = (f"{file} rows {', '.join(map(str, rows))}" for file, rows in self.parts)
        return f"source '{self.source}': {'; '.join(files)}"


@dataclass(frozen=True)
class Batch:
    """One rank's part of a global batch.

    A position of 0 marks where a document, or the rest of one, begins. `labels` is there where a source holds
    conversations; without it each token is its own label but for those at position 0.
    """

    ids: Int32  # [slots of the rank, length]
    positions: Int32
    labels: Int32 | None
    sources: Int64  # [all slots] the source of each row of the global batch
    state: LoaderState  # continues behind this batch
    names: tuple[str, ...]  # [slots of the rank] the source of each row
    parts: tuple[tuple[Part, ...], ...]  # what each row consists of

    def targets(self) -> int:
        """How many tokens have a label."""
        return int(np.count_nonzero(self.positions if self.labels is None else self.labels != IGNORE))

    def digests(self) -> list[bytes]:
        """A hash of each row's ids; together, in slot order, they identify the global batch."""
        return [hashlib.blake2b(row.astype("<i4").tobytes(), digest_size=16).digest() for row in self.ids]

    def origin(self, row: int) -> Origin:
        """Where row `row` of this rank came from; found only when it is asked for."""
        parts = tuple((part.piece.file.name, tuple(part.rows())) for part in self.parts[row])
        return Origin(self.names[row], parts)


class Loader:
    """`with Loader(...) as loader: loader.next()`, without end: the caller stops at its budget of tokens.

    One thread fills rows, `prefetch` batches ahead; `workers` threads read and encode what lies before it.
    With no workers all is done by the caller. `waited` counts the seconds that `next` has taken.
    """

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
        repeat: Mapping[str, float] | None = None,
    ) -> None:
        self._shards, self._length, self._prefetch = shards, length, prefetch
        self._slots = range(rows) if slots is None else slots
        self._shares = integer_shares([source.weight for source in shards.sources])
        self._caps = row_caps(shards, repeat or {}, length)
        self._planned = state or LoaderState.start(len(shards.sources), rows)
        self._cursors = self._planned.cursors.copy()
        self._reader = Reader(tokenizer, vocabulary, shards.cache, length)
        self._chat = any(file.kind == CHAT for source in shards.sources for file in source.files)
        self._workers = ThreadPoolExecutor(workers, "reader") if workers else None
        self._filler = ThreadPoolExecutor(1, "filler") if workers else None
        decks = [Deck(source, rows, seed, length, self._reader) for source in shards.sources]
        self._lanes = {
            (s, slot): Lane(deck, slot, self._cursors[s, slot], self._workers)
            for s, deck in enumerate(decks)
            for slot in self._slots
        }
        self._names = shards.names
        self._ahead: deque[Future[Batch]] = deque()
        self.waited = 0.0

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self.next()

    @property
    def left_out(self) -> Counter[str]:
        """What conversations did not bring along so far, by reason: see training.data.chat.render."""
        return Counter(self._reader.left_out)

    def close(self) -> None:
        """End the threads; what they have read ahead is dropped."""
        for pool in (self._filler, self._workers):
            if pool:
                pool.shutdown(wait=True, cancel_futures=True)
        self._shards.cache.close()

    def next(self) -> Batch:
        """The rank's rows of the next global batch. Raises DataError for shards that cannot be read."""
        began = time.perf_counter()
        try:
            if self._filler is None:
                return self._fill()
            while len(self._ahead) <= self._prefetch:
                self._ahead.append(self._filler.submit(self._fill))
            return self._ahead.popleft().result()
        finally:
            self.waited += time.perf_counter() - began

    def _fill(self) -> Batch:
        """The next batch, by the one thread that moves the lanes."""
        sources = self._plan()
        rows, cursors = [], self._cursors.copy()
        for slot in self._slots:
            lane = self._lanes[int(sources[slot]), slot]
            rows.append(tuple(lane.take(self._length)))
            cursors[sources[slot], slot] = lane.cursor
        self._cursors = cursors
        state = replace(self._planned, cursors=cursors)
        ids, positions, labels = _assemble(rows, self._length, self._chat)
        names = tuple(self._names[sources[slot]] for slot in self._slots)
        return Batch(ids, positions, labels, sources, state, names, tuple(rows))

    def _plan(self) -> Int64:
        """The source of each slot in the next step; counts alone decide, so all ranks agree."""
        old = self._planned
        taken = quota(self._shares, old.counts, old.served.shape[1], self._caps)
        sources = assign_slots(taken, self._shares, old.served, old.step)
        served = old.served.copy()
        served[sources, np.arange(len(sources))] += 1
        self._planned = replace(old, step=old.step + 1, counts=old.counts + np.array(taken), served=served)
        return sources


def _assemble(rows: list[tuple[Part, ...]], length: int, labelled: bool) -> tuple[Int32, Int32, Int32 | None]:
    """Ids, positions and, where asked for, labels [rows, length] of the parts of all rows."""
    shape, parts = (len(rows), length), [part for row in rows for part in row]
    ids = np.concatenate([piece.ids[start:stop] for piece, start, stop in parts]).reshape(shape)
    positions = positions_of(parts).reshape(shape)
    if not labelled:
        return ids, positions, None
    loss = np.concatenate([part.loss() for part in parts]).reshape(shape)
    return ids, positions, np.where(loss & (positions != 0), ids, np.int32(IGNORE))
