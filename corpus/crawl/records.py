"""WARC archives to records, with nothing lost silently.

Archives are cut into gzip members and records here (FastWARC and warcio stop without a word at a cut file and
give up behind one damaged member); FastWARC parses the WARC and HTTP headers of each record.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from fastwarc.warc import HeaderMap, WarcRecord

from corpus.crawl.frames import Frame, Gap, StreamDamageError, Window, read_frames
from corpus.crawl.inflate import BodyError, decode_body
from corpus.crawl.members import Blocks, Member, is_member, next_member
from corpus.crawl.url import page_id

PAGE_BYTES = 20 << 20
_TYPES = ("warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation")
_OTHER_FORMATS = {
    b"\x28\xb5\x2f\xfd": "unsupported_zstd",
    b"\x50\x2a\x4d\x18": "unsupported_zstd",  # a skippable frame, where a dictionary may stand
    b"\x5d\x2a\x4d\x18": "unsupported_zstd",
    b"\x04\x22\x4d\x18": "unsupported_lz4",
    b"file": "unsupported_arc",
}


@dataclass(frozen=True)
class Record:
    """One WARC record. For responses the HTTP part is parsed and the body decoded; others have no payload."""

    archive: str
    type: str
    url: str
    record_id: str
    date: datetime | None
    offset: int  # first byte of the record, or of the gzip member that holds it
    length: int  # compressed bytes; 0 where several records share a gzip member
    payload: bytes = b""
    http_status: int | None = None  # None where the record holds no HTTP response
    mime: str = ""
    charset: str = ""
    robots: str = ""  # X-Robots-Tag, values joined by commas
    link: str = ""  # the Link header
    problem: str | None = None  # why the record could not be read as it was meant

    @property
    def id(self) -> str:
        """The identity of the capture; of a record that names neither itself nor a URL, its place."""
        named = self.record_id or self.url
        return page_id(self.record_id if named else f"{self.archive}:{self.offset}", self.url, self.date)


@dataclass(frozen=True)
class Damage:
    """Bytes start..end (end excluded) of the archive that could not be read."""

    start: int
    end: int
    reason: str


def read_records(
    stream: BinaryIO, name: str, size: int, page_bytes: int = PAGE_BYTES
) -> Iterator[Record | Damage]:
    """All records of an archive in order, and the byte ranges that hold none.

    `stream` must be seekable; `size` is the size that the store told (-1: unknown), against which a file that
    ends early is found out. Bodies above `page_bytes` (encoded or decoded) are not held: problem 'too_large'.
    """
    blocks = Blocks(stream)
    unsupported = _OTHER_FORMATS.get(_first_bytes(blocks))
    if unsupported:
        yield Damage(0, max(size, 0), unsupported)
        return
    walk = _read_members if _has_members(blocks) else _read_plain
    end = yield from walk(blocks, name, page_bytes)
    if size > end:
        yield Damage(end, size, "missing")


def _read_plain(blocks: Blocks, name: str, cap: int) -> Generator[Record | Damage, None, int]:
    """Uncompressed archives; returns where reading ended."""
    window = Window(blocks.chunks)
    for found in read_frames(window, cap):
        if isinstance(found, Gap):
            yield Damage(found.start, found.end, found.reason)
            continue
        yield to_record(found, name, found.start, found.end - found.start, damage=None, cap=cap)
        if found.problem == "truncated":
            yield Damage(found.start, found.end, "truncated")
    return window.position


def _read_members(blocks: Blocks, name: str, cap: int) -> Generator[Record | Damage, None, int]:
    """Archives of gzip members; returns where reading ended."""
    position = 0
    while blocks.peek(position, 1):
        if not is_member(blocks, position):
            start, position = position, next_member(blocks, position)
            yield Damage(start, position, "garbage")
            continue
        member = Member(blocks, position)
        damage = yield from _read_member(member, name, cap)
        if damage == "bad_gzip":
            member.end = next_member(blocks, position + 1)
        if damage:
            yield Damage(position, member.end, damage)
        position = member.end
    return position


def _read_member(member: Member, name: str, cap: int) -> Generator[Record | Damage, None, str | None]:
    """The records of one member; returns why bytes of it could not be read, or None."""
    window = Window(member.chunks)
    damage: str | None = None
    alone = True
    for found in read_frames(window, cap):
        if isinstance(found, Gap):
            damage = damage or found.reason
            continue
        window.skip_newlines()
        alone = alone and not window.peek(1)
        length = member.end - member.start if alone and not window.damage else 0
        yield to_record(found, name, member.start, length, damage=window.damage, cap=cap)
        alone = False
    window.drain()
    return window.damage or damage


def to_record(
    frame: Frame, archive: str, offset: int, length: int, *, damage: str | None, cap: int
) -> Record:
    """Parse what was cut out. `damage` says why the bytes below are not to be trusted."""
    problem = ("truncated" if damage == "truncated" else "damaged") if damage else frame.problem
    try:
        parsed = WarcRecord.from_bytes(frame.head + frame.content)
    except (OSError, ValueError):
        return _unreadable(archive, offset, length, problem)
    kind = _header(parsed.headers, "WARC-Type").lower()
    if not kind:
        return _unreadable(archive, offset, length, problem)
    record = Record(
        archive=archive,
        type=kind if kind in _TYPES else "unknown",
        url=_header(parsed.headers, "WARC-Target-URI").strip("<>"),
        record_id=_header(parsed.headers, "WARC-Record-ID"),
        date=parsed.record_date,
        offset=offset,
        length=length,
        problem=problem,
    )
    if record.type != "response" or problem:
        return record
    return _with_http(record, parsed, frame.content[:5], cap)


def _unreadable(archive: str, offset: int, length: int, problem: str | None) -> Record:
    """A record of which nobody can say what it is counts as a response, so that it is told as a failure."""
    return Record(archive, "response", "", "", None, offset, length, problem=problem or "bad_header")


def _with_http(record: Record, parsed: WarcRecord, opening: bytes, cap: int) -> Record:
    """The record with HTTP headers and decoded body. Other protocols (dns:) stay without a status."""
    if opening != b"HTTP/":
        claims_http = "http" in _header(parsed.headers, "Content-Type").lower()
        return replace(record, problem="bad_http") if claims_http else record
    try:
        parsed.parse_http(quirks_mode=True)
        http = parsed.http_headers
        status, body = http.status_code, parsed.reader.read()
    except (OSError, ValueError):
        return replace(record, problem="bad_http")
    if not status:
        return replace(record, problem="bad_http")
    problem, transfer = None, _header(http, "Transfer-Encoding")
    try:
        body = decode_body(body, encoding=_header(http, "Content-Encoding"), transfer=transfer, cap=cap)
    except BodyError as error:
        problem, body = error.reason, b""
    return replace(
        record,
        payload=body,
        http_status=status,
        mime=_header(http, "Content-Type").partition(";")[0].strip().lower(),
        charset=parsed.http_charset or "",
        robots=", ".join(http.get_multiple("X-Robots-Tag")).replace("\0", ""),
        link=_header(http, "Link"),
        problem=problem,
    )


def _header(headers: HeaderMap, name: str) -> str:
    return (headers.get(name) or "").replace("\0", "").strip()


def _has_members(blocks: Blocks) -> bool:
    """Whether an archive is compressed; told from behind the damage if its head is damaged."""
    if is_member(blocks, 0):
        return True
    if blocks.peek(0, 64).lstrip(b"\r\n").startswith(b"WARC/"):
        return False
    return bool(blocks.peek(next_member(blocks, 0), 1))


def _first_bytes(blocks: Blocks) -> bytes:
    if not is_member(blocks, 0):
        return blocks.peek(0, 4)
    try:
        return next(Member(blocks, 0).chunks(), b"")[:4]
    except StreamDamageError:
        return b""
