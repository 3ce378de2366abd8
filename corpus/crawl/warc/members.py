"""Reading a compressed archive member by member, and finding the next good member behind damage.

A member is what a container format decodes on its own: a gzip member, a zstd frame, an lz4 frame. Crawlers
put one record into each, so that damage costs one. Archives with all records in one member are read too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import BinaryIO

_BLOCK = 4 << 20
OPENING_BYTES = 8 << 10  # enough to tell whether a record begins


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


class Codec(ABC):
    """One container format."""

    name: str  # damage is reported as `bad_<name>`
    magic: bytes  # what every member with content begins with

    def begins(self, blocks: Blocks, position: int) -> bool:
        """Whether a member may begin here, told by its magic number alone."""
        return blocks.peek(position, len(self.magic)) == self.magic

    def is_cut(self, blocks: Blocks, position: int) -> bool:
        """Whether the file ends within a magic number."""
        return self.magic.startswith(blocks.peek(position, len(self.magic)))

    @abstractmethod
    def inflate(self, blocks: Blocks, position: int) -> Iterator[tuple[int, bytes]]:
        """The member that begins here, in bounded parts: where the input of each ended, and the part.

        Raises StreamDamageError 'truncated' or `bad_<name>`, behind all parts that could be had.
        """

    @abstractmethod
    def opening(self, blocks: Blocks, position: int, n: int) -> bytes:
        """The first bytes of the member that begins here, at least `n` if it has so many and is sound."""


class Member:
    """One member, or several that hold parts of one record. `end`, the first byte behind it, is known once
    `chunks` has run out."""

    def __init__(self, codec: Codec, blocks: Blocks, start: int, opens: Callable[[bytes], bool]) -> None:
        self._codec, self._blocks, self._opens = codec, blocks, opens
        self.start = self.end = start
        self._joined = False

    def chunks(self, skip: int = 0) -> Iterator[bytes]:
        """The content behind the first `skip` bytes. Raises StreamDamageError."""
        self.end = self.start
        while True:
            for end, part in self._codec.inflate(self._blocks, self.end):
                self.end = end
                if skip < len(part):
                    yield part[skip:] if skip else part
                skip = max(0, skip - len(part))
            if not (self._joined and self._goes_on()):
                return

    def join(self) -> bool:
        """Take the members behind this one for its continuation, up to one that opens a record; whether that
        changes anything. Some writers cut their output into members wherever they like."""
        self._joined, before = True, self._joined
        return not before and self._goes_on()

    def _goes_on(self) -> bool:
        return self._codec.begins(self._blocks, self.end) and not self._opens(
            self._codec.opening(self._blocks, self.end, OPENING_BYTES)
        )


def next_member(codec: Codec, blocks: Blocks, position: int, opens: Callable[[bytes], bool]) -> int:
    """Where the next member that opens a record begins, at or behind `position`; else the file's end."""
    while data := blocks.peek(position, _BLOCK):
        at = data.find(codec.magic)
        while at >= 0:
            if opens(codec.opening(blocks, position + at, OPENING_BYTES)):
                return position + at
            at = data.find(codec.magic, at + 1)
        if len(data) < _BLOCK:
            return position + len(data)
        position += len(data) - len(codec.magic) + 1
    return position
