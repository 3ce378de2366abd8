"""Sets of ids of any size, compared range by range.

An id is a hash of 64 bits, eight bytes whatever its length. Hashes are kept in runs of two million, beyond a
budget of memory in a temporary folder, and sorted when a question needs it. As they are spread evenly, a
question (which repeat, which of these are not among those) is answered for one range of hashes after the
other, each of about four million: memory does not grow with the number of ids. Whoever asks confirms on the
ids themselves what was found, so that a repeat is never a collision. What a collision could hide is one
missing id among n others, with a chance of n / 2^64.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType

import numpy as np
import numpy.typing as npt

from corpus.verify.keys import Keys, sums

RUN = 1 << 21  # hashes that are kept together
RANGE = 1 << 22  # hashes of all sets that are compared at once
MEMORY = 256 << 20  # bytes of runs that stay in memory; the rest lies in a temporary folder
NAMED = 1000  # hashes that an answer names at most; the count is exact
_WORD = (1 << 64) - 1


class Spill:
    """Where runs lie: in memory up to `memory` bytes, then in a temporary folder until the block ends."""

    def __init__(self, memory: int = MEMORY) -> None:
        self._left = memory
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()
        self._files = 0

    def keep(self, run: Keys) -> Keys:
        """The run, as it is or mapped from a file: either way it can be written to."""
        with self._lock:
            if run.nbytes <= self._left:
                self._left -= run.nbytes
                return run
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="verify-")
            path = os.path.join(self._folder.name, f"{self._files}.keys")
            self._files += 1
        run.tofile(path)
        mapped: Keys = np.memmap(path, np.uint64, "r+")
        return mapped

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()


class KeySet:
    """Hashes of one column of one table, with repeats. `add` may be called from several threads.

    Two sums over the hashes, in any order, tell whether two sets are the same: the usual case costs no sort.
    """

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._runs: list[Keys] = []
        self._ordered = 0  # runs from the first on that are sorted
        self._waiting: list[Keys] = []
        self._waiting_rows = 0
        self._lock = threading.Lock()
        self.rows = 0
        self.nulls = 0
        self._sums = (0, 0)

    def add(self, keys: Keys, nulls: int = 0) -> None:
        first, second = sums(keys)
        with self._lock:
            self.rows += len(keys)
            self.nulls += nulls
            self._sums = (self._sums[0] + first & _WORD, self._sums[1] + second & _WORD)
            self._waiting.append(keys)
            self._waiting_rows += len(keys)
            full = self._take() if self._waiting_rows >= RUN else []
        if full:
            self._store(full)

    def _take(self) -> list[Keys]:
        taken, self._waiting, self._waiting_rows = self._waiting, [], 0
        return taken

    def _store(self, arrays: list[Keys]) -> None:
        kept = self._spill.keep(np.concatenate(arrays))
        with self._lock:
            self._runs.append(kept)

    @property
    def digest(self) -> tuple[int, int, int]:
        """Rows and both sums: equal where the hashes are the same, with their repeats."""
        return (self.rows, *self._sums)

    def within(self, low: int, high: int) -> Keys:
        """The sorted hashes from `low` to before `high` (2^64: to the end)."""
        if self._waiting:
            self._store(self._take())
        for run in self._runs[self._ordered :]:
            run.sort()
        self._ordered = len(self._runs)
        pieces = []
        for run in self._runs:
            start = np.searchsorted(run, np.uint64(low))
            end = len(run) if high > _WORD else np.searchsorted(run, np.uint64(high))
            pieces.append(np.asarray(run[start:end]))
        if len(pieces) == 1:
            return pieces[0]
        return np.sort(np.concatenate(pieces), kind="stable") if pieces else np.empty(0, np.uint64)


def same(one: Sequence[KeySet], other: Sequence[KeySet]) -> bool:
    """Whether two groups of sets hold the same hashes, with their repeats."""

    def total(sets: Sequence[KeySet]) -> tuple[int, ...]:
        return tuple(sum(part) & _WORD for part in zip(*(keys.digest for keys in sets)))

    return total(one) == total(other)


@dataclass(frozen=True)
class Found:
    """How many hashes a question found, and some of them."""

    count: int
    some: Keys

    def __bool__(self) -> bool:
        return self.count > 0


def repeats(of: KeySet) -> Found:
    """Hashes that occur more than once; `count` is the number of rows too many."""
    return _collect(_again(part) for (part,) in _ranges([of]))


def missing(of: KeySet, among: Sequence[KeySet]) -> Found:
    """Distinct hashes of one set that are in none of the others."""
    if same([of], among):
        return Found(0, np.empty(0, np.uint64))

    def parts() -> Iterator[Keys]:
        for mine, *others in _ranges([of, *among]):
            distinct = _distinct(mine)
            there = np.zeros(len(distinct), np.bool_)
            for other in others:
                there |= _among(distinct, other)
            yield distinct[~there]

    return _collect(parts())


def common(one: KeySet, other: KeySet) -> Found:
    """Distinct hashes that are in both sets."""

    def parts() -> Iterator[Keys]:
        for mine, theirs in _ranges([one, other]):
            distinct = _distinct(mine)
            yield distinct[_among(distinct, theirs)]

    return _collect(parts())


def _distinct(ordered: Keys) -> Keys:
    found: Keys = ordered[np.diff(ordered, prepend=ordered[:1] ^ np.uint64(1)) != 0]
    return found


def _again(ordered: Keys) -> Keys:
    found: Keys = ordered[1:][ordered[1:] == ordered[:-1]]
    return found


def _among(needles: Keys, ordered: Keys) -> npt.NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(len(needles), np.bool_)
    at = np.minimum(np.searchsorted(ordered, needles), len(ordered) - 1)
    found: npt.NDArray[np.bool_] = ordered[at] == needles
    return found


def _ranges(sets: Sequence[KeySet]) -> Iterator[list[Keys]]:
    count = max(1, -(-sum(one.rows for one in sets) // RANGE))
    edges = [number * (1 << 64) // count for number in range(count + 1)]
    for low, high in pairwise(edges):
        yield [one.within(low, high) for one in sets]


def _collect(parts: Iterator[Keys]) -> Found:
    count, some = 0, np.empty(0, np.uint64)
    for part in parts:
        count += len(part)
        if len(some) < NAMED:
            some = np.concatenate([some, part[: NAMED - len(some)]])
    return Found(count, some)
