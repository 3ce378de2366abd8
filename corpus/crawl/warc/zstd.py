"""zstd frames, with the dictionary that the WARC-zstd specification puts into the file's first frame.

Frames are walked block by block (RFC 8878): four bytes of a frame may stand for 128 KiB, so a decoder that is
fed bytes as they come could fill the memory, and none tells where a frame ends before it has been decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from corpus.crawl.warc.members import Blocks, Codec
from corpus.crawl.warc.window import StreamDamageError

if TYPE_CHECKING:
    import zstandard

FRAME_MAGIC = b"\x28\xb5\x2f\xfd"
DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"
MAX_WINDOW = 128 << 20  # bytes of history a frame may ask for; what the reference decoder allows
_MAX_DICTIONARY = 32 << 20
_BLOCK_BYTES = 128 << 10
_MAX_HEADER = 18
_RLE, _RESERVED = 1, 3


def is_skippable(blocks: Blocks, position: int) -> bool:
    """Whether a skippable frame begins here; lz4 has the same ones."""
    magic = blocks.peek(position, 4)
    return len(magic) == 4 and magic[1:] == b"\x2a\x4d\x18" and magic[0] >> 4 == 5


def skip_frame(blocks: Blocks, position: int) -> int:
    """Where the skippable frame at `position` ends. Raises StreamDamageError if the file does before."""
    head = blocks.peek(position, 8)
    end = position + 8 + int.from_bytes(head[4:], "little")
    if len(head) < 8 or not blocks.peek(end - 1, 1):
        raise StreamDamageError("truncated")
    return end


class ZstdCodec(Codec):
    """zstd frames; `dictionary` is the content of the file's dictionary frame."""

    name, magic = "zstd", FRAME_MAGIC

    def __init__(self, dictionary: bytes = b"", max_window: int = MAX_WINDOW) -> None:
        import zstandard

        known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        self._dictionary_id = known.dict_id() if known else 0
        # the second serves look-aheads, since a decoder has one stream at a time
        self._decoder = zstandard.ZstdDecompressor(dict_data=known, max_window_size=max_window)
        self._probe = zstandard.ZstdDecompressor(dict_data=known, max_window_size=max_window)

    def begins(self, blocks: Blocks, position: int) -> bool:
        return super().begins(blocks, position) or is_skippable(blocks, position)

    def inflate(self, blocks: Blocks, position: int) -> Iterator[tuple[int, bytes]]:
        if is_skippable(blocks, position):
            yield skip_frame(blocks, position), b""
        else:
            yield from self._frame(self._decoder, blocks, position)

    def opening(self, blocks: Blocks, position: int, n: int) -> bytes:
        found = b""
        try:
            for _, part in self._frame(self._probe, blocks, position):
                found += part
                if len(found) >= n:
                    break
        except StreamDamageError:
            pass
        return found

    def _frame(
        self, decoder: zstandard.ZstdDecompressor, blocks: Blocks, position: int
    ) -> Iterator[tuple[int, bytes]]:
        import zstandard

        size, has_checksum = self._header(blocks, position)
        stream = decoder.decompressobj()
        try:
            stream.decompress(_exactly(blocks, position, size))
            position += size
            last = False
            while not last:
                last, size = _block(blocks, position)
                part = stream.decompress(_exactly(blocks, position, size))
                position += size
                yield position, part
            if has_checksum:
                yield position + 4, stream.decompress(_exactly(blocks, position, 4))
        except zstandard.ZstdError as error:
            raise StreamDamageError("bad_zstd") from error
        if not stream.eof:
            raise StreamDamageError("bad_zstd")

    def _header(self, blocks: Blocks, position: int) -> tuple[int, bool]:
        """The bytes of a frame's header, and whether a checksum ends the frame."""
        import zstandard

        head = blocks.peek(position, _MAX_HEADER)
        try:
            size = zstandard.frame_header_size(head)
            found = zstandard.get_frame_parameters(head)
        except zstandard.ZstdError as error:
            cut = len(head) < _MAX_HEADER
            raise StreamDamageError("truncated" if cut else "bad_zstd") from error
        if found.dict_id and found.dict_id != self._dictionary_id:
            raise StreamDamageError("no_dictionary")
        return size, found.has_checksum


def read_dictionary(blocks: Blocks) -> bytes:
    """The content of a file's dictionary frame, which may itself be compressed. Raises StreamDamageError."""
    end = skip_frame(blocks, 0)
    data = blocks.peek(8, min(end - 8, _MAX_DICTIONARY + 1))
    if data.startswith(FRAME_MAGIC):
        parts = []
        size = 0
        for _, part in ZstdCodec().inflate(blocks, 8):
            parts.append(part)
            size += len(part)
            if size > _MAX_DICTIONARY:
                raise StreamDamageError("bad_dictionary")
        data = b"".join(parts)
    if len(data) > _MAX_DICTIONARY:
        raise StreamDamageError("bad_dictionary")
    return data


def _block(blocks: Blocks, position: int) -> tuple[bool, int]:
    """Whether the block is the last of its frame, and its bytes with its header."""
    head = int.from_bytes(_exactly(blocks, position, 3), "little")
    last, kind, size = bool(head & 1), head >> 1 & 3, head >> 3
    if kind == _RESERVED or size > _BLOCK_BYTES:
        raise StreamDamageError("bad_zstd")
    return last, 3 + (1 if kind == _RLE else size)


def _exactly(blocks: Blocks, position: int, n: int) -> bytes:
    data = blocks.peek(position, n)
    if len(data) < n:
        raise StreamDamageError("truncated")
    return data
