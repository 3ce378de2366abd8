"""WARC and HTTP header blocks, read as leniently as browsers do."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta, timezone

_FIELD = re.compile(rb"^([^\s:]+)[ \t]*:[ \t]*([^\r\n]*)", re.MULTILINE)
_FOLD = re.compile(rb"\r{0,2}\n[ \t]+")
_STATUS = re.compile(rb"HTTP/\d+(?:\.\d+)?[ \t]+(\d{3})(?!\d)")
_BLANK_LINE = re.compile(rb"\n\r{0,2}\n")
_CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([^\s;\"',]+)", re.IGNORECASE)
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?)?"
    r"\s*(?:Z|([+-])(\d\d):?(\d\d))?$"
)
_MAX_HTTP_HEADER = 1 << 20


class Headers:
    """Fields by name, whatever its case. Of a field that is given more than once, the first counts."""

    def __init__(self, block: bytes, encoding: str = "utf-8") -> None:
        if b"\n " in block or b"\n\t" in block:
            block = _FOLD.sub(b" ", block)
        self._fields = [(name.lower(), value) for name, value in _FIELD.findall(block)]
        self._first = dict(reversed(self._fields))
        self._encoding = encoding

    def get(self, name: bytes) -> str:
        """The value of a field (named in lower case) without NUL; empty where there is none."""
        value = self._first.get(name)
        return self._text(value) if value else ""

    def all(self, name: bytes) -> list[str]:
        return [self._text(value) for known, value in self._fields if known == name]

    def _text(self, value: bytes) -> str:
        text = value.decode(self._encoding, "replace").strip()
        return text.replace("\0", "") if "\0" in text else text


def split_http(content: bytes) -> tuple[int | None, Headers, bytes]:
    """Status, headers and body of an HTTP response. No status: it is none. No blank line: all is header."""
    status = _STATUS.match(content)
    end = _BLANK_LINE.search(content, 0, _MAX_HTTP_HEADER)
    head, body = (content[: end.start()], content[end.end() :]) if end else (content[:_MAX_HTTP_HEADER], b"")
    return int(status.group(1)) if status else None, Headers(head, "latin-1"), body


def charset_of(content_type: str) -> str:
    """The charset parameter of a Content-Type, in lower case; empty where there is none."""
    found = _CHARSET.search(content_type)
    return found.group(1).lower() if found else ""


def parse_date(text: str) -> datetime | None:
    """A W3C-DTF date, which WARC 1.1 allows from years to nanoseconds; None for anything else."""
    if len(text) == 20 and text[10] == "T" and text[19] == "Z":  # as nearly all are
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc)
    found = _DATE.match(text)
    if not found:
        return None
    *numbers, fraction, sign, hours, minutes = found.groups()
    year, month, day, hour, minute, second = (int(n) if n else None for n in numbers)
    try:
        moment = datetime(
            *(year or 0, month or 1, day or 1, hour or 0, minute or 0, min(second or 0, 59)),
            microsecond=int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=timezone.utc,
        )
        offset = timedelta(hours=int(hours), minutes=int(minutes)) if sign else timedelta()
        return moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError):
        return None
