"""Walking the gzip members of an archive, and finding the next good one behind damage."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from corpus.crawl.frames import StreamDamageError
from corpus.crawl.inflate import GZIP_MAGIC

_BLOCK = 4 << 20
_PIECE = 64
_STEP = 32 << 10  # compressed bytes per call; bounds what one call can inflate to about 32 MiB


class Blocks:
    """Reads at any position of a seekable file through one large block, so that reading in order is cheap."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._block = memoryview(b"")
        self._start = 0
        self._stream_at = stream.tell()

    def read_at(self, position: int, n: int) -> memoryview:
        """Up to `n` bytes; none only at the end of the file."""
        offset = position - self._start
        if not 0 <= offset < len(self._block):
            if position != self._stream_at:
                self._stream.seek(position)
            data = self._stream.read(_BLOCK)
            self._block, self._start, offset = memoryview(data), position, 0
            self._stream_at = position + len(data)
        return self._block[offset : offset + n]

    def peek(self, position: int, n: int) -> bytes:
        """Up to `n` bytes, also across the border of a block."""
        data = bytes(self.read_at(position, n))
        while len(data) < n and (more := bytes(self.read_at(position + len(data), n - len(data)))):
            data += more
        return data

    def chunks(self, position: int) -> Iterator[bytes]:
        """All bytes from `position` on."""
        while data := self.read_at(position, _BLOCK):
            position += len(data)
            yield bytes(data)


class Member:
    """One gzip member. `end`, the first byte behind it, is known once `chunks` has run out."""

    def __init__(self, blocks: Blocks, start: int) -> None:
        self._blocks = blocks
        self.start = self.end = start

    def chunks(self, skip: int = 0) -> Iterator[bytes]:
        """The inflated bytes behind the first `skip`. Raises StreamDamageError('truncated' or 'bad_gzip')."""
        for part in self._inflated():
            if skip < len(part):
                yield part[skip:] if skip else part
            skip = max(0, skip - len(part))

    def _inflated(self) -> Iterator[bytes]:
        self.end = self.start
        inflater = zlib.decompressobj(31)
        while not inflater.eof:
            data = self._blocks.read_at(self.end, _STEP)
            if not data:
                raise StreamDamageError("truncated")
            try:
                part = inflater.decompress(data)
            except zlib.error as error:
                yield from self._salvage()
                raise StreamDamageError("bad_gzip") from error
            self.end += len(data) - len(inflater.unused_data)
            if part:
                yield part

    def _salvage(self) -> Iterator[bytes]:
        """What the block at `end` gives before its damage.

        zlib drops all output of a call that fails, and with it the headers that tell which record is lost,
        so the block is inflated again in small pieces.
        """
        inflater = zlib.decompressobj(31)
        for position in range(self.start, self.end, _STEP):
            inflater.decompress(self._blocks.peek(position, min(_STEP, self.end - position)))
        data = self._blocks.peek(self.end, _STEP)
        with contextlib.suppress(zlib.error):
            for at in range(0, len(data), _PIECE):
                yield inflater.decompress(data[at : at + _PIECE])


def is_member(blocks: Blocks, position: int) -> bool:
    return blocks.peek(position, len(GZIP_MAGIC)) == GZIP_MAGIC


def next_member(blocks: Blocks, position: int) -> int:
    """Where the next gzip member with a WARC record starts, at or behind `position`; else the file's end."""
    while data := blocks.peek(position, _BLOCK):
        at = data.find(GZIP_MAGIC)
        while at >= 0:
            if _opens_record(blocks, position + at):
                return position + at
            at = data.find(GZIP_MAGIC, at + 1)
        if len(data) < _BLOCK:
            return position + len(data)
        position += len(data) - len(GZIP_MAGIC) + 1
    return position


def _opens_record(blocks: Blocks, position: int) -> bool:
    try:
        start = zlib.decompressobj(31).decompress(blocks.peek(position, _STEP), 64)
    except zlib.error:
        return False
    return start.lstrip(b"\r\n").startswith(b"WARC/")
