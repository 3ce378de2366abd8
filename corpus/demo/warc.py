"""WARC files as Common Crawl lays them out: warcinfo, then request, response and metadata for each page.

Each record is its own gzip member with no time stamp in it; dates and identifiers follow from the content, so
equal pages give equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import uuid
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from corpus.demo.page import Page

_FIRST_FETCH = datetime(2024, 5, 18, 6, 0, 0, tzinfo=timezone.utc)


def record_id(kind: str, name: str) -> str:
    """The identifier of a record, the same in every run."""
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind}:{name}')}>"


def write_warc(path: Path, pages: Sequence[Page], *, version: str, first: int) -> None:
    """Write `pages`, then damage the members of those that ask for it.

    `damage="flip"` destroys the compressed bytes of that record alone; `damage="truncate"` ends the file in
    the middle of it and is allowed for the last page only.
    """
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version=version)
    _write_info(writer, path.name, version)
    spans: list[tuple[int, int]] = []
    for number, page in enumerate(pages):
        date = (_FIRST_FETCH + timedelta(seconds=first + number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        _write_request(writer, page, date)
        start = out.tell()
        _write(
            writer,
            "response",
            page.url,
            page.http(),
            date=date,
            content_type="application/http; msgtype=response",
        )
        spans.append((start, out.tell()))
        _write_metadata(writer, page, date)
    path.write_bytes(_damaged(out.getvalue(), pages, spans))


def _damaged(data: bytes, pages: Sequence[Page], spans: Sequence[tuple[int, int]]) -> bytes:
    whole = bytearray(data)
    for page, (start, end) in zip(pages, spans, strict=True):
        if page.damage == "flip":
            middle = (start + end) // 2
            whole[middle : middle + 64] = bytes(255 - byte for byte in whole[middle : middle + 64])
            if _inflates(bytes(whole[start:end])):
                raise AssertionError(f"the planted damage of {page.url} does no harm")
    for page, (start, end) in zip(pages, spans, strict=True):
        if page.damage == "truncate":
            del whole[(start + end) // 2 :]
    return bytes(whole)


def _inflates(member: bytes) -> bool:
    try:
        zlib.decompress(member, 16 + zlib.MAX_WBITS)
    except zlib.error:
        return False
    return True


def _write_info(writer: WARCWriter, name: str, version: str) -> None:
    fields = (
        "isPartOf: DEMO-CRAWL",
        "description: pages for the demo",
        f"format: WARC File Format {version}",
        "",
    )
    body = "\r\n".join(fields).encode()
    headers = {
        "WARC-Record-ID": record_id("warcinfo", name),
        "WARC-Date": _FIRST_FETCH.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "WARC-Filename": name,
    }
    record = writer.create_warc_record(
        "", "warcinfo", payload=io.BytesIO(body), length=len(body),
        warc_content_type="application/warc-fields", warc_headers_dict=headers,
    )  # fmt: skip
    writer.write_record(record)


def _write_request(writer: WARCWriter, page: Page, date: str) -> None:
    parts = urlsplit(page.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "User-Agent: demo",
        "Accept: text/html",
        "",
        "",
    ]
    _write(
        writer,
        "request",
        page.url,
        "\r\n".join(lines).encode(),
        date=date,
        content_type="application/http; msgtype=request",
    )


def _write_metadata(writer: WARCWriter, page: Page, date: str) -> None:
    text = f"fetchTimeMs: {len(page.body) % 900}\r\ncharset-detected: {page.charset}\r\n"
    _write(writer, "metadata", page.url, text.encode(), date=date, content_type="application/warc-fields")


def _write(writer: WARCWriter, kind: str, url: str, payload: bytes, *, date: str, content_type: str) -> None:
    # The record is put together by hand, because warcio would parse the HTTP headers and write them anew, and
    # so repair the very faults that are planted in them.
    fields = [("WARC-Type", kind), ("WARC-Record-ID", record_id(kind, url)), ("WARC-Date", date)]
    fields.append(("WARC-Target-URI", url))
    if kind == "response":
        digest = hashlib.sha1(payload.partition(b"\r\n\r\n")[2], usedforsecurity=False).digest()
        fields.append(("WARC-Payload-Digest", "sha1:" + base64.b32encode(digest).decode()))
    else:
        fields.append(("WARC-Concurrent-To", record_id("response", url)))
    version = StatusAndHeaders("", fields, f"WARC/{writer.warc_version.removeprefix('WARC/')}")
    record = ArcWarcRecord("warc", kind, version, io.BytesIO(payload), None, content_type, len(payload))
    record.payload_length = len(payload)
    writer.write_record(record)
