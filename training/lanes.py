"""Lanes: the fixed lines that rows are read along. A lane is (source, slot); its cursor is all of its state.

The row ranges (chunks) of a source are permuted anew for each epoch and dealt to its lanes, balanced
by tokens. A lane cuts the documents of its chunks into rows of `length` tokens and wraps into the
next epoch by itself. So the union of all lanes reads each document of a source once per epoch,
whoever serves the lanes.
"""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict
from itertools import pairwise

import numpy as np

from corpus.engine.errors import DataError
from training.arrays import Int32, Int64, permutation
from training.documents import Documents, Reader
from training.shards import Source, row_tokens

CHUNKS_PER_LANE = 8
# Per lane; a lane of a small source waits for its turn, which comes within as many epochs as there are lanes.
FRUITLESS_EPOCHS = 64
# A cursor: epoch, place in the lane's list of chunks, row in it, token in that row.
EPOCH, CHUNK, ROW, TOKEN = range(4)


class Deck:
    """The chunks of one source, and how they are dealt to its lanes in each epoch."""

    def __init__(self, source: Source, lanes: int, seed: int) -> None:
        self.source, self.lanes, self.seed = source, lanes, seed
        self.chunks, self.tokens = cut_chunks(source, lanes * CHUNKS_PER_LANE)
        self._epochs: OrderedDict[int, list[list[int]]] = OrderedDict()
        self._lock = threading.Lock()

    def hand(self, epoch: int, lane: int) -> list[int]:
        """Numbers of the chunks that a lane reads in an epoch, in order. May be empty for a small source."""
        with self._lock:
            if epoch not in self._epochs:
                self._epochs[epoch] = self._deal(epoch)
                while len(self._epochs) > 8:
                    self._epochs.popitem(last=False)
            return self._epochs[epoch][lane]

    def _deal(self, epoch: int) -> list[list[int]]:
        # The lane that is served first moves on each epoch, so that no lane of a small source
        # stays empty for ever.
        first = epoch * len(self.chunks) % self.lanes
        heap = [(0, turn, (first + turn) % self.lanes) for turn in range(self.lanes)]
        hands: list[list[int]] = [[] for _ in range(self.lanes)]
        for chunk in permutation(len(self.chunks), self.seed, self.source.name, epoch, "chunks").tolist():
            load, turn, lane = heap[0]
            heapq.heapreplace(heap, (load + int(self.tokens[chunk]), turn, lane))
            hands[lane].append(chunk)
        return hands


def cut_chunks(source: Source, wanted: int) -> tuple[Int64, Int64]:
    """Row ranges [chunks, (file, row group, start, stop)] and their tokens.

    At least `wanted` ranges where the rows allow it. Ranges without tokens are left out.
    """
    size = max(source.rows // wanted, 1)
    chunks, tokens = [], []
    for number, file in enumerate(source.files):
        sums = np.concatenate([[0], np.cumsum(row_tokens(file))])
        base = 0
        for group, rows in enumerate(file.group_rows):
            pieces = -(-rows // size)
            edges = [rows * i // pieces for i in range(pieces + 1)] if pieces else []
            for start, stop in pairwise(edges):
                held = int(sums[base + stop] - sums[base + start])
                if held:
                    chunks.append((number, group, start, stop))
                    tokens.append(held)
            base += rows
    return np.array(chunks, dtype=np.int64).reshape(-1, 4), np.array(tokens, dtype=np.int64)


class Lane:
    """Reads one lane from a cursor on."""

    def __init__(self, deck: Deck, reader: Reader, lane: int, cursor: Int64) -> None:
        self._deck, self._reader, self._lane = deck, reader, lane
        self.cursor = cursor.copy()
        self._loaded: tuple[int, int] | None = None
        self._documents = Documents(np.zeros(0, np.int32), np.zeros(1, np.int64), "")
        self._order: Int64 = np.zeros(0, np.int64)

    def fill(self, ids: Int32, positions: Int32) -> None:
        """Write the next row into `ids` and `positions`, both [length].

        A position of 0 begins a document, or the rest of one.
        """
        at, length, cursor = 0, len(ids), self.cursor
        while at < length:
            self._find_row()
            row = self._order[cursor[ROW]]
            start, stop = self._documents.offsets[row] + cursor[TOKEN], self._documents.offsets[row + 1]
            count = int(min(stop - start, length - at))
            ids[at : at + count] = self._documents.values[start : start + count]
            positions[at : at + count] = np.arange(count, dtype=np.int32)
            at += count
            cursor[TOKEN] += count
            if start + count == stop:
                cursor[ROW], cursor[TOKEN] = cursor[ROW] + 1, 0

    def _find_row(self) -> None:
        """Move the cursor to the next row that exists: past the end of a chunk, a hand or empty epochs."""
        cursor, fruitless = self.cursor, 0
        while True:
            hand = self._deck.hand(int(cursor[EPOCH]), self._lane)
            if cursor[CHUNK] >= len(hand):
                cursor[:] = (cursor[EPOCH] + 1, 0, 0, 0)
                fruitless += 1
                if fruitless > FRUITLESS_EPOCHS * self._deck.lanes:
                    raise DataError(
                        f"the source '{self._deck.source.name}' holds no tokens; leave it out with weight 0."
                    )
                continue
            self._load(int(cursor[EPOCH]), hand[cursor[CHUNK]])
            if cursor[ROW] < len(self._order):
                return
            cursor[CHUNK:] = (cursor[CHUNK] + 1, 0, 0)

    def _load(self, epoch: int, chunk: int) -> None:
        if self._loaded == (epoch, chunk):
            return
        file, group, start, stop = self._deck.chunks[chunk].tolist()
        self._documents = self._reader.read(self._deck.source.files[file], group, start, stop)
        order = permutation(stop - start, self._deck.seed, self._deck.source.name, epoch, chunk)
        self._order = order[np.diff(self._documents.offsets)[order] > 0]
        self._loaded = (epoch, chunk)
