"""A row group in the order of one epoch, and the pieces that it is cut into.

A page shuffles the documents of a row group; its pieces follow each other, so that together they hold each
document once. Of input_ids a page is decoded as a whole and pieces are views of it. Texts and conversations
are encoded piece by piece, so that a rank encodes no more than it trains on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from training.data.arrays import Bool, Int32, Int64, bounds, permutation
from training.data.documents import Documents, Reader
from training.data.shards import CHAT, IDS, ShardFile

_NO_ROW = -1  # of what fills a row up


@dataclass(frozen=True)
class Piece:
    """Documents one behind the other, ready to be cut into rows of a batch.

    Document i has the tokens ids[offsets[i] : offsets[i + 1]] and was row rows[i] of the file.
    """

    ids: Int32
    offsets: Int64
    rows: Int64
    file: ShardFile
    loss: Bool | None = None


class Part(NamedTuple):
    """Some tokens of a piece."""

    piece: Piece
    start: int
    stop: int

    def loss(self) -> Bool:
        """Which tokens are targets, by what the source says."""
        if self.piece.loss is None:
            return np.ones(self.stop - self.start, np.bool_)
        return self.piece.loss[self.start : self.stop]

    def rows(self) -> list[int]:
        """The rows of the file that the tokens came from, in order."""
        first = self.piece.offsets.searchsorted(self.start, "right") - 1
        last = self.piece.offsets.searchsorted(self.stop, "left")
        return [row for row in self.piece.rows[first:last].tolist() if row != _NO_ROW]


def positions_of(parts: Sequence[Part]) -> Int32:
    """The place of each token in its document, counted from its first token in the part."""
    begins, at = [], 0
    for piece, start, stop in parts:
        offsets = piece.offsets
        first, last = offsets.searchsorted(start, "right") - 1, offsets.searchsorted(stop, "left")
        inside = offsets[first:last] + (at - start)
        inside[0] = at
        begins.append(inside)
        at += stop - start
    borders = np.concatenate([*begins, [at]])
    positions = np.arange(at, dtype=np.int32)
    positions -= borders[:-1].astype(np.int32).repeat(np.diff(borders))
    return positions


@dataclass(frozen=True)
class Page:
    """One row group. `ids` holds its tokens in order where they are there, else `table` its rows in order.

    `offsets` [documents + 1] and `borders` [pieces + 1] are in tokens, or in the measure of Reader.sizes.
    """

    file: ShardFile
    rows: Int64
    offsets: Int64
    borders: Int64
    ids: Int32 | None
    table: Any = None

    @property
    def nbytes(self) -> int:
        return int(self.ids.nbytes if self.ids is not None else self.table.nbytes)

    def documents(self, number: int) -> Int64:
        """The rows of the file in a piece."""
        first, last = self._range(number)
        return self.rows[first:last]

    def piece(self, number: int, length: int, reader: Reader) -> Piece:
        first, last = self._range(number)
        rows = self.rows[first:last]
        if self.ids is not None:
            start, stop = int(self.borders[number]), int(self.borders[number + 1])
            inside = self.offsets[first : last + 1] - start
            inside[0], inside[-1] = 0, stop - start
            return Piece(self.ids[start:stop], inside, rows, self.file)
        found = reader.encode(self.table.slice(first, last - first), self.file, rows)
        if self.file.kind == CHAT:
            return in_rows(found, rows, self.file, length, reader.renderer.pad)
        return Piece(found.values, found.offsets, rows, self.file)

    def _range(self, number: int) -> tuple[int, int]:
        """The first document of a piece, and the first behind it; the two may share one that is cut."""
        start, stop = int(self.borders[number]), int(self.borders[number + 1])
        if start == stop:
            return 0, 0
        first = int(self.offsets.searchsorted(start, "right")) - 1
        return first, int(self.offsets.searchsorted(stop, "left"))


def read_page(reader: Reader, file: ShardFile, group: int, pieces: int, length: int, *key: object) -> Page:
    """A row group shuffled by `key`, without its empty documents, to be read in `pieces`."""
    table = reader.table(file, group)
    first = sum(file.group_rows[:group])
    stored = reader.ids(table, file, first) if file.kind == IDS else None
    sizes = reader.sizes(table, file) if stored is None else np.diff(stored.offsets)
    order = permutation(len(table), *key)
    order = order[sizes[order] > 0]
    offsets = bounds(sizes[order])
    if stored is None:
        return Page(
            file, order + first, offsets, _borders(offsets, pieces), None, table.take(pa.array(order))
        )
    borders = _borders(offsets, pieces, 4 * length)
    return Page(file, order + first, offsets, borders, _reordered(stored, order))


def _borders(offsets: Int64, pieces: int, patience: int | None = None) -> Int64:
    """Where pieces of about equal length begin: at the next document, or within one too long to wait for.

    With no `patience` a document is never cut.
    """
    total = int(offsets[-1])
    even = total * np.arange(pieces + 1) // pieces
    borders = offsets[offsets.searchsorted(even, "left")]
    if patience is not None:
        borders = np.where(borders - even <= max(total // pieces // 2, patience), borders, even)
    borders[0] = 0
    return borders


def _reordered(stored: Documents, order: Int64) -> Int32:
    """Tokens of the documents in another order.

    Arrow copies documents whole, as strings of bytes: 20 times as fast as by an index for each token.
    """
    values = np.ascontiguousarray(stored.values)
    offsets = pa.py_buffer(stored.offsets * values.itemsize)
    strings = pa.Array.from_buffers(pa.large_binary(), len(stored), [None, offsets, pa.py_buffer(values)])
    return np.frombuffer(strings.take(pa.array(order)).buffers()[2] or b"", np.int32)


def in_rows(found: Documents, rows: Int64, file: ShardFile, length: int, pad: int) -> Piece:
    """Whole documents in rows of `length`: the longest first, each into the fullest row that has room.

    What stays free is filled with `pad`, as a document of its own without loss. No document may be longer.
    """
    lengths = np.diff(found.offsets)
    members: list[list[int]] = []
    room: dict[int, list[int]] = {}  # free tokens -> rows that have them
    for document in sorted(range(len(found)), key=lambda i: (-lengths[i], i)):
        size = int(lengths[document])
        if not size:
            continue
        free = min((left for left in room if left >= size), default=None)
        if free is None:
            members.append([])
            row, left = len(members) - 1, length - size
        else:
            row, left = room[free].pop(), free - size
            if not room[free]:
                del room[free]
        members[row].append(document)
        room.setdefault(left, []).append(row)
    ids = np.full(len(members) * length, pad, np.int32)
    loss = np.zeros(len(ids), np.bool_)
    ends, origin = [0], []
    for row, documents in enumerate(members):
        at = row * length
        for document in documents:
            start, stop = int(found.offsets[document]), int(found.offsets[document + 1])
            ids[at : at + stop - start] = found.values[start:stop]
            loss[at : at + stop - start] = True if found.loss is None else found.loss[start:stop]
            at += stop - start
            ends.append(at)
            origin.append(int(rows[document]))
        if at < (row + 1) * length:
            ends.append((row + 1) * length)
            origin.append(_NO_ROW)
    return Piece(ids, np.array(ends, np.int64), np.array(origin, np.int64), file, loss)
