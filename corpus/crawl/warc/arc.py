"""ARC 1.0 and 1.1, the format before WARC, read as the WARC records that say the same.

Each record is one line, `URL IP-address date content-type [five more fields] length`, and its content. The
first record of a file (`filedesc://`) describes it. Source: the Internet Archive's ARC file format reference.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from corpus.crawl.warc.window import Window

_MAX_LINE = 8 << 10  # bytes; crawlers store URLs of up to 4,096 bytes
_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\r\n]*")
_ADDRESS = rb"(?:[0-9.]{7,15}|[0-9A-Fa-f:.]{2,45}|-)"
_DATED = re.compile(_ADDRESS + rb" \d{12,20}")
_UNDATED = re.compile(rb"[0-9.]{7,15} \S{1,20}")  # the date may be wrong where nothing else is
_DATE = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)")
_LENGTH = re.compile(rb"\d{1,15}")
_FIELDS = (
    4,
    9,
    5,
)  # behind the URL: of version 1, of version 2, of version 1 with a space in the content type


class _Line(NamedTuple):
    url: bytes
    date: bytes
    mime: bytes
    length: int | None


class ArcSyntax:
    """ARC records. No bytes but the next record's line prove that a record ends."""

    next_record = re.compile(
        rb"\n[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\r\n]{1,4096} "
        + _ADDRESS
        + rb" \d{12,20} [^\r\n]{0,1024}\d\r{0,2}\n"
    )
    opening_bytes = _MAX_LINE
    border = b""

    def opens(self, data: bytes) -> bool:
        return _parse(data) is not None

    def take_head(self, window: Window) -> bytes | None:
        return window.take_until((b"\n",), _MAX_LINE)

    def length(self, head: bytes) -> int | None:
        line = _parse(head)
        return line.length if line else None

    def as_warc(self, head: bytes, length: int) -> bytes:
        line = _parse(head)
        if line is None:
            return head
        kind = b"warcinfo" if line.url.startswith(b"filedesc:") else b"response"
        is_http = kind == b"response" and line.url[:5].lower() in (b"http:", b"https")
        fields = [
            b"WARC-Type: " + kind,
            b"WARC-Target-URI: " + line.url,
            b"Content-Type: " + (b"application/http; msgtype=response" if is_http else line.mime),
            b"Content-Length: %d" % length,
        ]
        if parts := _DATE.match(line.date):
            fields.append(b"WARC-Date: %b-%b-%bT%b:%b:%bZ" % parts.groups())
        return b"\r\n".join([b"WARC/1.0", *fields, b"", b""])


def _parse(data: bytes) -> _Line | None:
    """The line that opens a record at the start of data; None if there is none. A URL may hold spaces, so the
    fields are counted from the end."""
    line, newline, _ = data.partition(b"\n")
    if not newline or not _URL.match(line):
        return None
    for count in _FIELDS:
        url, *rest = line.rstrip(b"\r").rsplit(b" ", count)
        place = b" ".join(rest[:2])
        if len(rest) == count and (_DATED.fullmatch(place) or _UNDATED.fullmatch(place)):
            length = int(rest[-1]) if _LENGTH.fullmatch(rest[-1]) else None
            return _Line(url.strip(), rest[1], rest[2], length)
    return None
