"""Plain bytes of a file, decompressed with bounded memory: gzip and zstd, told by their first bytes."""

from __future__ import annotations

import gzip
import zlib
from abc import ABC, abstractmethod
from typing import BinaryIO

from corpus.engine import storage

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
SKIPPABLE = b"\x2a\x4d\x18"  # the upper bytes of a skippable zstd frame's magic number
MAX_WINDOW = 128 << 20  # what `zstd -d` accepts without further options
_FEED = 1 << 10  # a block of 128 KiB may be packed into four bytes: this much input gives at most 32 MiB
CHUNK = 1 << 20
DAMAGED, WINDOW = "damaged", "zstd_window"


class DamageError(ValueError):
    """The stream is cut or broken here; `reason` is what the ledger says of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Plain(ABC):
    """The plain bytes of one file. `read` gives some of them, none at the end, or raises DamageError."""

    @abstractmethod
    def read(self) -> bytes: ...


class _Raw(Plain):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self) -> bytes:
        return self._stream.read(CHUNK)


class _Gzip(Plain):
    def __init__(self, stream: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=stream)

    def read(self) -> bytes:
        try:
            return self._file.read1(CHUNK)  # read would lose what it has when it meets the damage
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DamageError(DAMAGED) from error


class _Zstd(Plain):
    """All frames of a file. The library's reader takes a cut frame for the end, so frames are fed here."""

    def __init__(self, stream: BinaryIO) -> None:
        import zstandard

        self._stream, self._waiting, self._in_frame = stream, b"", False
        self._library = zstandard
        self._decoder = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        self._frame = self._decoder.decompressobj()

    def read(self) -> bytes:
        while True:
            if not self._waiting:
                self._waiting = self._stream.read(64 << 10)
                if not self._waiting:
                    if self._in_frame:
                        raise DamageError(DAMAGED)
                    return b""
            piece, self._waiting = self._waiting[:_FEED], self._waiting[_FEED:]
            self._in_frame = True
            try:
                plain = self._frame.decompress(piece)
            except self._library.ZstdError as error:
                raise DamageError(WINDOW if "memory" in str(error) else DAMAGED) from error
            if self._frame.eof:
                self._waiting = self._frame.unused_data + self._waiting
                self._frame, self._in_frame = self._decoder.decompressobj(), False
            if plain:
                return bytes(plain)


def is_compressed(path: str) -> bool:
    """Whether the file is gzip or zstd, by its first bytes: names lie."""
    with storage.open_input(path) as stream:
        head = stream.read(4)
    return head.startswith(GZIP) or head == ZSTD or head[1:] == SKIPPABLE


def open_plain(stream: BinaryIO) -> Plain:
    """A reader of the plain bytes of `stream`, which stands at its beginning."""
    head = stream.read(4)
    stream.seek(0)
    if head.startswith(GZIP):
        return _Gzip(stream)
    return _Zstd(stream) if head == ZSTD or head[1:] == SKIPPABLE else _Raw(stream)
