"""Decoders for compressed bodies. Each stops at a cap, so that no bomb can fill the memory."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from corpus.crawl.warc.members import Blocks
from corpus.crawl.warc.window import StreamDamageError
from corpus.crawl.warc.zstd import FRAME_MAGIC, ZstdCodec

GZIP_MAGIC = b"\x1f\x8b\x08"
_COMPRESS_MAGIC = b"\x1f\x9d"  # the LZW of `compress`, which no browser decodes
_STEP = 1 << 16  # input bytes per call: deflate yields at most 1,032 times as much
_PIECE = 1 << 20  # output bytes per call
_MAX_ENCODINGS = 4  # real pages have one, misconfigured servers two
_ZSTD_WINDOW = 8 << 20  # bytes; RFC 9659 allows no more in a Content-Encoding
_CHUNK_SIZE = re.compile(rb"[ \t]{0,9}([0-9A-Fa-f]{1,15})[ \t]{0,9}(?:;[^\r\n]{0,1024})?\r?\n")


class BodyError(Exception):
    """A body that cannot be decoded; `reason` is a ledger reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Body:
    """`complete` is false where the encoded body ended early; `data` is then what there was."""

    data: bytes
    complete: bool = True


def decode_body(body: bytes, *, encoding: str, transfer: str, cap: int) -> Body:
    """Undo chunking and Content-Encoding. Raises BodyError ('bad_encoding' or 'too_large').

    Crawlers often store the body decoded and keep the headers, so a body that does not look
    encoded is taken as it is.
    """
    found = unchunk(body) if "chunked" in transfer.lower() else Body(body)
    names = [name for token in encoding.split(",") if (name := token.strip().lower())] if encoding else []
    if len(names) > _MAX_ENCODINGS:
        raise BodyError("bad_encoding")
    for name in reversed(names):
        decoder = _DECODERS.get(name.removeprefix("x-"))
        if decoder and found.data:
            inner = decoder(found.data, cap)
            found = Body(inner.data, found.complete and inner.complete)
    if len(found.data) > cap:
        raise BodyError("too_large")
    return found


def unchunk(body: bytes) -> Body:
    """The body without HTTP chunk lines; unchanged if its first line is no chunk size.

    A body that ends before its last chunk is cut, not lost: the chunks that are there are returned. So it is
    where something else than a chunk follows, as browsers do.
    """
    parts: list[bytes] = []
    at = 0
    while size := _CHUNK_SIZE.match(body, at):
        length, start = int(size.group(1), 16), size.end()
        if length == 0:
            return Body(b"".join(parts))
        parts.append(body[start : start + length])
        at = start + length
        at += 2 if body[at : at + 2] == b"\r\n" else 1 if body[at : at + 1] == b"\n" else 0
    return Body(b"".join(parts), False) if parts else Body(body)


def inflate(data: bytes, *, wbits: int, cap: int) -> Body:
    """zlib, raw deflate or gzip (of one or more members), as `wbits` says, up to `cap` bytes.

    Raises BodyError for bad data and at the cap.
    """
    parts: list[bytes] = []
    size, at = 0, 0
    inflater = zlib.decompressobj(wbits)
    while at < len(data):
        try:
            part = inflater.decompress(data[at : at + _STEP], cap - size + 1)
            while inflater.unconsumed_tail and size + len(part) <= cap:
                part += inflater.decompress(inflater.unconsumed_tail, cap - size - len(part) + 1)
        except zlib.error as error:
            raise BodyError("bad_encoding") from error
        parts.append(part)
        size += len(part)
        if size > cap:
            raise BodyError("too_large")
        at += _STEP
        if inflater.eof:
            at = min(at, len(data)) - len(inflater.unused_data)
            if wbits != 31 or not data.startswith(GZIP_MAGIC, at):
                break
            inflater = zlib.decompressobj(wbits)
    return Body(b"".join(parts), inflater.eof)


def _gzip(body: bytes, cap: int) -> Body:
    return inflate(body, wbits=31, cap=cap) if body.startswith(GZIP_MAGIC) else Body(body)


def _deflate(body: bytes, cap: int) -> Body:
    """Servers send both zlib and raw deflate under this name, and gzip."""
    for wbits in (47, -15):  # the first takes zlib and gzip
        try:
            found = inflate(body, wbits=wbits, cap=cap)
        except BodyError as error:
            if error.reason == "too_large":
                raise
            continue
        if found.data:
            return found
    return _as_it_is(body)


def _brotli(body: bytes, cap: int) -> Body:
    import brotli

    decoder = brotli.Decompressor()

    def parts() -> Iterator[bytes]:
        for at in range(0, len(body), _STEP):
            yield decoder.process(body[at : at + _STEP], output_buffer_limit=_PIECE)
            while not decoder.can_accept_more_data():
                yield decoder.process(b"", output_buffer_limit=_PIECE)
            if decoder.is_finished():
                return

    try:
        data = _capped(parts(), cap)
    except brotli.error:
        return _as_it_is(body)
    return Body(data, decoder.is_finished()) if data else _as_it_is(body)


def _zstd(body: bytes, cap: int) -> Body:
    if not body.startswith(FRAME_MAGIC):
        return _as_it_is(body)
    codec, blocks = ZstdCodec(max_window=_ZSTD_WINDOW), Blocks(io.BytesIO(body))
    parts: list[bytes] = []
    size = position = 0
    try:
        while codec.begins(blocks, position):
            for end, part in codec.inflate(blocks, position):
                position = end
                parts.append(part)
                size += len(part)
                if size > cap:
                    raise BodyError("too_large")
    except StreamDamageError as damage:
        if damage.reason != "truncated":
            raise BodyError("bad_encoding") from damage
        return Body(b"".join(parts), False)
    return Body(b"".join(parts))


def _compress(body: bytes, cap: int) -> Body:  # noqa: ARG001 - as the other decoders
    if body.startswith(_COMPRESS_MAGIC):
        raise BodyError("bad_encoding")
    return Body(body)


_DECODERS: dict[str, Callable[[bytes, int], Body]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
    "compress": _compress,
}


def _capped(parts: Iterator[bytes], cap: int) -> bytes:
    """All parts together. Raises BodyError at the cap."""
    taken: list[bytes] = []
    size = 0
    for part in parts:
        taken.append(part)
        size += len(part)
        if size > cap:
            raise BodyError("too_large")
    return b"".join(taken)


def _as_it_is(body: bytes) -> Body:
    """A body that the crawler decoded already; known by being markup."""
    if b"<" in body[:1024] and b"\0" not in body[:1024]:
        return Body(body)
    raise BodyError("bad_encoding")
