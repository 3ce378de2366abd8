"""gzip members and lz4 frames: formats whose decoders can be fed bytes as they come."""

from __future__ import annotations

import contextlib
import zlib
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

from corpus.crawl.warc.inflate import GZIP_MAGIC
from corpus.crawl.warc.members import Blocks, Codec
from corpus.crawl.warc.window import StreamDamageError
from corpus.crawl.warc.zstd import is_skippable, skip_frame

# compressed bytes per call; deflate makes at most 1,032 times as many of them, lz4 255 times
_STEP = 32 << 10
_PIECE = 64  # the same, where damage is near


class Inflater(Protocol):
    """What the decoders of zlib and lz4 have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: Any, max_length: int = ..., /) -> bytes: ...


class StreamCodec(Codec):
    """A format whose decoder takes bytes as they come and tells where a member ends."""

    errors: type[Exception]
    probe_bytes: int  # what `opening` may read

    @abstractmethod
    def open(self) -> Inflater:
        """A decoder at the start of a member."""

    def inflate(self, blocks: Blocks, position: int) -> Iterator[tuple[int, bytes]]:
        start = position
        inflater = self.open()
        while not inflater.eof:
            data = blocks.read_at(position, _STEP)
            if not data:
                raise StreamDamageError("truncated")
            try:
                part = inflater.decompress(data)
            except self.errors as error:
                yield from self._salvage(blocks, start, position)
                raise StreamDamageError(f"bad_{self.name}") from error
            position += len(data) - len(inflater.unused_data or b"")  # lz4 has none until its end
            yield position, part

    def opening(self, blocks: Blocks, position: int, n: int) -> bytes:
        inflater, found, end = self.open(), b"", position + self.probe_bytes
        with contextlib.suppress(self.errors):
            while len(found) < n and not inflater.eof and position < end:
                data = blocks.read_at(position, _STEP)
                found += inflater.decompress(data, n - len(found))
                position += len(data) or self.probe_bytes
        return found

    def _salvage(self, blocks: Blocks, start: int, position: int) -> Iterator[tuple[int, bytes]]:
        """What the block at `position` of the member gives before its damage.

        A decoder drops all output of a call that fails, and with it the headers that tell which record is
        lost, so the block is decoded again in small pieces.
        """
        inflater = self.open()
        for at in range(start, position, _STEP):
            inflater.decompress(blocks.peek(at, min(_STEP, position - at)))
        data = blocks.peek(position, _STEP)
        with contextlib.suppress(self.errors):
            for at in range(0, len(data), _PIECE):
                yield position + at, inflater.decompress(data[at : at + _PIECE])


class GzipCodec(StreamCodec):
    name, magic, errors, probe_bytes = "gzip", GZIP_MAGIC, zlib.error, 64 << 10

    def open(self) -> Inflater:
        return zlib.decompressobj(31)


class Lz4Codec(StreamCodec):
    """lz4 frames. Skippable frames have the same form as those of zstd, and hold nothing."""

    name, magic, errors, probe_bytes = "lz4", b"\x04\x22\x4d\x18", RuntimeError, 5 << 20  # a block has 4 MiB

    def open(self) -> Inflater:
        import lz4.frame

        inflater: Inflater = lz4.frame.LZ4FrameDecompressor()
        return inflater

    def begins(self, blocks: Blocks, position: int) -> bool:
        return super().begins(blocks, position) or is_skippable(blocks, position)

    def inflate(self, blocks: Blocks, position: int) -> Iterator[tuple[int, bytes]]:
        if is_skippable(blocks, position):
            yield skip_frame(blocks, position), b""
        else:
            yield from super().inflate(blocks, position)
