"""Decks: how the row groups of a source are cut into pieces and dealt to its lanes, anew in each epoch.

Files come in another order, row groups within them, and documents within those. Each piece goes to the lane
with the fewest tokens so far. So the lanes of a source read the same few row groups at a time, which are
decoded once, and the union of all lanes reads each document once per epoch, whoever serves them.
"""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from math import gcd

import numpy as np

from training.data.arrays import Int64, bounds, permutation
from training.data.documents import Reader
from training.data.pages import Page, Piece, read_page
from training.data.shards import CHAT, IDS, Source

PIECES_PER_LANE = 4
MOST_PIECE_TOKENS = 1 << 16
ROWS_PER_CHAT_PIECE = 16  # whole conversations fill rows the better, the more there are to choose from
WINDOW_TOKENS = 1 << 23  # what the pieces of all lanes of a source may have together, which memory must hold
CACHE_BYTES = 4 * WINDOW_TOKENS  # decoded pages of one source that are kept, and at least two of them
FRUITLESS_EPOCHS = 64  # per lane: a small source has pieces for few lanes in each epoch


@dataclass(frozen=True)
class _Groups:
    """The row groups of a source that have tokens, [groups] each."""

    file: Int64
    group: Int64
    tokens: Int64
    pieces: Int64


class Deck:
    """The pieces of one source, and how they are dealt to its lanes in each epoch. Threads may share it."""

    def __init__(self, source: Source, lanes: int, seed: int, length: int, reader: Reader) -> None:
        self.source, self.lanes, self.seed, self.length, self.reader = source, lanes, seed, length, reader
        self._groups = _cut(source, lanes, length)
        self._first = bounds(self._groups.pieces)  # number of each group's first piece
        self._hands: OrderedDict[int, list[Int64]] = OrderedDict()
        self._pages: OrderedDict[tuple[int, int], Future[Page]] = OrderedDict()
        self._barren: dict[int, set[int]] = {}  # rows of each group that turned out to give no tokens
        self._hollow: set[int] = set()  # groups that have no other rows
        self._lock = threading.Lock()

    def hand(self, epoch: int, lane: int) -> Int64:
        """Numbers of the pieces that a lane reads in an epoch, in order. May be empty for a small source."""
        with self._lock:
            if epoch not in self._hands:
                self._hands[epoch] = self._deal(epoch)
                while len(self._hands) > 8:
                    self._hands.popitem(last=False)
            return self._hands[epoch][lane]

    def piece(self, epoch: int, number: int) -> Piece | None:
        """The piece of that number in an epoch; None where it holds nothing."""
        group = int(self._first.searchsorted(number, "right")) - 1
        if group in self._hollow:
            return None
        page, number = self._page(epoch, group), number - int(self._first[group])
        rows, barren = page.documents(number).tolist(), self._barren.setdefault(group, set())
        if not barren.issuperset(rows):
            found = page.piece(number, self.length, self.reader)
            if len(found.ids):
                return found
            barren.update(rows)
        if len(barren) == len(page.rows):
            self._hollow.add(group)
        return None

    def prepare(self, epoch: int, number: int, executor: Executor) -> Future[Piece | None] | None:
        """Have a piece made by another thread; or just its page read, where the rest is soon done."""
        if self.source.files[0].kind != IDS:
            return executor.submit(self.piece, epoch, number)
        group = int(self._first.searchsorted(number, "right")) - 1
        with self._lock:
            if (epoch, group) in self._pages or group in self._hollow:
                return None
            answer = self._pages[epoch, group] = Future()
        executor.submit(self._read, epoch, group, answer)
        return None

    def is_hollow(self) -> bool:
        """Whether every row group has been looked into and none holds a token."""
        return len(self._hollow) == len(self._groups.group)

    def _page(self, epoch: int, group: int) -> Page:
        """Read by the thread that asks first; others wait for it."""
        with self._lock:
            running = self._pages.get((epoch, group))
            mine = running is None
            if running is None:
                running = self._pages[epoch, group] = Future()
            self._pages.move_to_end((epoch, group))
        if mine:
            self._read(epoch, group, running)
        return running.result()

    def _read(self, epoch: int, group: int, answer: Future[Page]) -> None:
        files, number = self.source.files, int(self._groups.file[group])
        cache = self.reader.cache
        cache.ahead(files[n] for n in self._files_from(epoch, number, cache.depth + 1))
        row_group, pieces = int(self._groups.group[group]), int(self._groups.pieces[group])
        key = (self.seed, self.source.name, epoch, files[number].name, row_group)
        try:
            answer.set_result(read_page(self.reader, files[number], row_group, pieces, self.length, *key))
        except BaseException as error:
            answer.set_exception(error)
            with self._lock:
                self._pages.pop((epoch, group), None)
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        """Let go of the pages that were not asked for of late; lanes keep what they stand in."""
        held = [page.result().nbytes for page in self._pages.values() if page.done() and not page.exception()]
        while len(self._pages) > 2 and sum(held) > CACHE_BYTES and next(iter(self._pages.values())).done():
            self._pages.popitem(last=False)
            held.pop(0)

    def _files_from(self, epoch: int, file: int, count: int) -> list[int]:
        """The next files of an epoch, and of the epoch behind it, from one on."""
        order = [*self._file_order(epoch), *self._file_order(epoch + 1)]
        at = order.index(file)
        return order[at : at + count]

    def _file_order(self, epoch: int) -> list[int]:
        order = permutation(len(self.source.files), self.seed, self.source.name, epoch, "files")
        return [int(number) for number in order]

    def _order(self, epoch: int) -> Iterator[int]:
        """Row groups in the order of an epoch: file by file, so that few files are needed at a time."""
        starts = np.searchsorted(self._groups.file, np.arange(len(self.source.files) + 1))
        for file in self._file_order(epoch):
            first, count = int(starts[file]), int(starts[file + 1] - starts[file])
            order = permutation(count, self.seed, self.source.name, epoch, self.source.files[file].name)
            yield from (order + first).tolist()

    def _deal(self, epoch: int) -> list[Int64]:
        # A small source has pieces for a few lanes. The lanes that get them move on each epoch, and in time
        # each lane gets each of the pieces, of which some may hold nothing.
        pieces = int(self._first[-1])
        first = (epoch * pieces + epoch * gcd(pieces, self.lanes) // self.lanes) % self.lanes
        heap = [(0.0, turn, (first + turn) % self.lanes) for turn in range(self.lanes)]
        hands: list[list[int]] = [[] for _ in range(self.lanes)]
        for group in self._order(epoch):
            start, stop = int(self._first[group]), int(self._first[group + 1])
            size = float(self._groups.tokens[group]) / (stop - start)
            for number in range(start, stop):
                load, turn, lane = heap[0]
                heapq.heapreplace(heap, (load + size, turn, lane))
                hands[lane].append(number)
        return [np.array(hand, dtype=np.int64) for hand in hands]


def _cut(source: Source, lanes: int, length: int) -> _Groups:
    """How many pieces each row group is cut into: of at least a row, and enough of them for all lanes."""
    found = [
        (number, group, tokens)
        for number, file in enumerate(source.files)
        for group, tokens in enumerate(file.group_tokens)
        if tokens
    ]
    file, group, tokens = np.array(found, dtype=np.int64).reshape(-1, 3).T
    most = max(length, min(MOST_PIECE_TOKENS, WINDOW_TOKENS // lanes))
    least = length * (ROWS_PER_CHAT_PIECE if source.files[0].kind == CHAT else 1)
    size = max(least, min(most, int(tokens.sum()) // (lanes * PIECES_PER_LANE)))
    return _Groups(file, group, tokens, np.maximum(1, np.rint(tokens / size).astype(np.int64)))
