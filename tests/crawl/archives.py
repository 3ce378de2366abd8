"""WARC files for the tests, written by warcio, the reference implementation."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from corpus.crawl.records import Damage, Record, read_records

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
    with open(path, "rb") as stream:
        found = list(
            read_records(stream, path.name, path.stat().st_size if size is None else size, page_bytes)
        )
    return [f for f in found if isinstance(f, Record)], [f for f in found if isinstance(f, Damage)]


def html(words: int, seed: str = "word") -> bytes:
    text = " ".join(f"{seed}{n}" for n in range(words))
    return f"<html><head><title>{seed}</title></head><body><main><p>{text}</p></main></body></html>".encode()
