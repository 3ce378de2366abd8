"""Decoders for compressed bodies. Each stops at a cap, so that no bomb can fill the memory."""

from __future__ import annotations

import io
import zlib

from fastwarc.stream_io import BrotliReader, ZstdReader

GZIP_MAGIC = b"\x1f\x8b\x08"
_STEP = 1 << 16  # input bytes per call: deflate yields at most 1,032 times as much
_MAX_CHUNK_LINE = 1 << 10


class BodyError(Exception):
    """A body that cannot be decoded; `reason` is a ledger reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decode_body(body: bytes, *, encoding: str, transfer: str, cap: int) -> bytes:
    """Undo chunking and Content-Encoding. Raises BodyError ('bad_encoding' or 'too_large').

    Crawlers often store the body decoded and keep the headers, so a body that does not look
    encoded is taken as it is.
    """
    if "chunked" in transfer.lower():
        body = unchunk(body)
    for name in reversed([token.strip().lower() for token in encoding.split(",")]):
        if name and name != "identity":
            body = _decode_one(body, name.removeprefix("x-"), cap)
    if len(body) > cap:
        raise BodyError("too_large")
    return body


def unchunk(body: bytes) -> bytes:
    """The body without HTTP chunk lines; unchanged if its first line is no chunk size.

    A body that ends before its last chunk is cut, not lost: the chunks that are there are returned.
    Raises BodyError where a chunk is followed by something else than a chunk.
    """
    parts: list[bytes] = []
    at = 0
    while at < len(body):
        end = body.find(b"\n", at, at + _MAX_CHUNK_LINE)
        try:
            size = int(body[at:end].split(b";")[0].strip(), 16) if end >= 0 else -1
        except ValueError:
            size = -1
        if size < 0:
            if not parts:
                return body
            raise BodyError("bad_encoding")
        if size == 0:
            break
        parts.append(body[end + 1 : end + 1 + size])
        at = end + 1 + size
        at += 2 if body[at : at + 2] == b"\r\n" else 1 if body[at : at + 1] == b"\n" else 0
    return b"".join(parts)


def inflate(data: bytes, *, wbits: int, cap: int) -> bytes:
    """zlib, raw deflate or gzip (of one or more members), as `wbits` says, up to `cap` bytes.

    Input that ends early gives what is there. Raises BodyError for bad data and at the cap.
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
            if not data.startswith(GZIP_MAGIC, at):
                break
            inflater = zlib.decompressobj(wbits)
    return b"".join(parts)


def _decode_one(body: bytes, name: str, cap: int) -> bytes:
    if name == "gzip":
        return inflate(body, wbits=31, cap=cap) if body.startswith(GZIP_MAGIC) else body
    if name == "deflate":
        return _deflate(body, cap)
    if name in ("br", "zstd"):
        return _by_reader(body, BrotliReader if name == "br" else ZstdReader, cap)
    return body


def _deflate(body: bytes, cap: int) -> bytes:
    """Servers send both zlib and raw deflate under this name."""
    for wbits in (15, -15):
        try:
            return inflate(body, wbits=wbits, cap=cap)
        except BodyError as error:
            if error.reason == "too_large":
                raise
    return _as_it_is(body)


def _by_reader(body: bytes, reader: type[BrotliReader] | type[ZstdReader], cap: int) -> bytes:
    stream = reader(io.BytesIO(body))
    parts: list[bytes] = []
    size = 0
    try:
        while part := stream.read(min(_STEP, cap - size + 1)):
            parts.append(part)
            size += len(part)
            if size > cap:
                raise BodyError("too_large")
    except OSError:
        return _as_it_is(body)
    return b"".join(parts)


def _as_it_is(body: bytes) -> bytes:
    """A body that the crawler decoded already; known by being markup."""
    if b"<" in body[:1024] and b"\0" not in body[:1024]:
        return body
    raise BodyError("bad_encoding")
