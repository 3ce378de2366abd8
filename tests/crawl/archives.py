"""WARC files for the tests, written by warcio, the reference implementation."""

from __future__ import annotations

import gzip
import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import lz4.frame
import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from corpus.crawl.warc.records import Damage, Record, read_records

DATE = "2024-05-01T12:00:00Z"


def write(
    path: Path,
    pages: Sequence[tuple[str, bytes]],
    *,
    gz: bool = True,
    headers: Sequence[tuple[str, str]] = (("Content-Type", "text/html"),),
    status: str = "200 OK",
) -> list[tuple[int, int]]:
    """An archive with one response per (url, body). Returns where each record starts and ends."""
    places = []
    with open(path, "ab") as stream:
        writer = WARCWriter(stream, gzip=gz)
        for url, body in pages:
            start = stream.tell()
            writer.write_record(record(writer, url, body, headers=headers, status=status))
            places.append((start, stream.tell()))
    return places


def record(writer: WARCWriter, url: str, body: bytes, *, headers, status="200 OK"):
    number = abs(int.from_bytes(url.encode()[-8:], "big"))
    warc = {"WARC-Date": DATE, "WARC-Record-ID": f"<urn:uuid:00000000-0000-0000-0000-{number % 10**12:012d}>"}
    http = StatusAndHeaders(status, list(headers), protocol="HTTP/1.1")
    return writer.create_warc_record(
        url, "response", payload=io.BytesIO(body), http_headers=http, warc_headers_dict=warc
    )


def read(
    path: Path, *, size: int | None = None, page_bytes: int = 20 << 20
) -> tuple[list[Record], list[Damage]]:
    return read_bytes(path.read_bytes(), path.name, size=size, page_bytes=page_bytes)


def read_bytes(
    data: bytes, name: str = "a.warc.gz", *, size: int | None = None, page_bytes: int = 20 << 20
) -> tuple[list[Record], list[Damage]]:
    found = list(read_records(io.BytesIO(data), name, len(data) if size is None else size, page_bytes))
    return [f for f in found if isinstance(f, Record)], [f for f in found if isinstance(f, Damage)]


def plain_records(pages: Sequence[tuple[str, bytes]], **more) -> list[bytes]:
    """The uncompressed bytes of one response record per page."""
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=False)
    places = [0]
    for url, body in pages:
        writer.write_record(record(writer, url, body, **{"headers": [("Content-Type", "text/html")], **more}))
        places.append(stream.tell())
    return [stream.getvalue()[a:b] for a, b in itertools.pairwise(places)]


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _lz4(data: bytes) -> bytes:
    return lz4.frame.compress(data, content_checksum=True)


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": _gzip,
    "zstd": _zstd,
    "lz4": _lz4,
}  # each makes a member of what it is given


def pack(parts: Sequence[bytes], container: str) -> tuple[bytes, list[tuple[int, int]]]:
    """An archive with each part in a member of its own, and where the members lie."""
    members = [PACKERS[container](part) for part in parts]
    ends = list(itertools.accumulate(map(len, members)))
    return b"".join(members), list(zip([0, *ends], ends))


def skippable(data: bytes, magic: bytes = b"\x50\x2a\x4d\x18") -> bytes:
    """A frame that zstd and lz4 pass over."""
    return magic + len(data).to_bytes(4, "little") + data


def uncovered(records: Sequence[Record], damage: Sequence[Damage], size: int) -> list[tuple[int, int]]:
    """The bytes of an archive that are neither a record's nor damage: none, by the conservation law.

    Fails where two ranges overlap without being one. A record that shares its member tells no length, so its
    range is what lies before the next one.
    """
    spans = {(r.offset, r.offset + r.length) for r in records if r.length}
    spans |= {(d.start, d.end) for d in damage}
    shared = {r.offset for r in records if not r.length}
    missing, at = [], 0
    for start, end in [*sorted(spans), (size, size)]:
        assert at <= start <= end <= size, (at, start, end)
        if at < start and at not in shared:
            missing.append((at, start))
        at = end
    return missing


def html(words: int, seed: str = "word") -> bytes:
    text = " ".join(f"{seed}{n}" for n in range(words))
    return f"<html><head><title>{seed}</title></head><body><main><p>{text}</p></main></body></html>".encode()
