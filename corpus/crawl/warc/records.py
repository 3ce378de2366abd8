"""WARC and ARC archives to records, with nothing lost silently.

Archives are cut into members and records here: FastWARC and warcio stop without a word at a cut file and give
up behind one damaged member.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from corpus.crawl.url import page_id
from corpus.crawl.warc.containers import WARC, find_format, next_record_member, opens_record, refusal
from corpus.crawl.warc.frames import Frame, Gap, Syntax, read_frames, single_frame
from corpus.crawl.warc.headers import Headers, charset_of, parse_date, split_http
from corpus.crawl.warc.inflate import BodyError, decode_body
from corpus.crawl.warc.members import Blocks, Codec, Member
from corpus.crawl.warc.window import StreamDamageError, Window

PAGE_BYTES = 20 << 20
_WHOLE = 256 << 10  # records below are taken from their member in one piece
_TYPES = frozenset(
    {"warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation"}
)


@dataclass(frozen=True)
class Record:
    """One record. For responses the HTTP part is parsed and the body decoded; others have no payload."""

    archive: str
    type: str
    url: str
    record_id: str
    date: datetime | None
    offset: int  # first byte of the record, or of the member that holds it
    length: int  # bytes of the archive, line ends behind it included; 0 where several records share a member
    payload: bytes = b""
    http_status: int | None = None  # None where the record holds no HTTP response
    mime: str = ""
    charset: str = ""
    robots: str = ""  # X-Robots-Tag, a line for each header
    link: str = ""  # the Link header
    problem: str | None = None  # why the record could not be read as it was meant
    tdm: str = ""  # the TDM-Reservation header
    truncated: str = ""  # WARC-Truncated; segmented, short: the crawler or the server sent part of the body
    payload_declared_digest: str = ""  # WARC-Payload-Digest

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
    try:
        reason = refusal(blocks) or ""
        codec, syntax = (None, WARC) if reason else find_format(blocks)
    except StreamDamageError as damage:
        reason = damage.reason
    if reason:
        yield Damage(0, max(size, 0), reason)
        return
    if codec is None:
        end = yield from _read_plain(blocks, name, page_bytes, syntax)
    else:
        end = yield from _read_members(blocks, name, page_bytes, syntax, codec)
    if size > end:
        yield Damage(end, size, "missing")


def _read_plain(blocks: Blocks, name: str, cap: int, syntax: Syntax) -> Generator[Record | Damage, None, int]:
    """Uncompressed archives; returns where reading ended."""
    window = Window(blocks.chunks)
    for found in read_frames(window, cap, syntax):
        if isinstance(found, Gap):
            yield Damage(found.start, found.end, found.reason)
            continue
        length = found.end - found.start
        yield to_record(found, name, found.start, length, damage=None, cap=cap, syntax=syntax)
        if found.problem == "truncated":
            yield Damage(found.start, found.end, "truncated")
    return window.position


def _read_members(
    blocks: Blocks, name: str, cap: int, syntax: Syntax, codec: Codec
) -> Generator[Record | Damage, None, int]:
    """Compressed archives; returns where reading ended."""
    position = 0
    while blocks.peek(position, 1):
        if not codec.begins(blocks, position):
            start, position = position, next_record_member(codec, blocks, position)
            yield Damage(start, position, "truncated" if codec.is_cut(blocks, start) else "garbage")
            continue
        member = Member(codec, blocks, position, opens_record)
        damage, broken = yield from _read_member(member, name, cap, syntax)
        if broken:  # a broken stream may run on through sound members, up to the end of the file
            member.end = next_record_member(codec, blocks, position + 1)
            if damage == "truncated" and blocks.peek(member.end, 1):
                damage = f"bad_{codec.name}"
        if damage:
            yield Damage(position, member.end, damage)
        position = member.end
    return position


def _read_member(
    member: Member, name: str, cap: int, syntax: Syntax
) -> Generator[Record | Damage, None, tuple[str | None, bool]]:
    """The records of one member. Returns why bytes of it could not be read, or None, and whether the member
    itself is broken."""
    window = Window(member.chunks)
    whole = window.peek(_WHOLE)
    if len(whole) < _WHOLE and not window.damage and (frame := single_frame(whole, cap, syntax)):
        length = member.end - member.start
        yield to_record(frame, name, member.start, length, damage=None, cap=cap, syntax=syntax)
        return None, False
    gap: str | None = None
    alone = True
    for found in read_frames(window, cap, syntax):
        cut = (found.reason if isinstance(found, Gap) else found.problem) == "truncated"
        if cut and not window.damage and member.join():
            window.rewind(found.start)
            continue
        if isinstance(found, Gap):
            gap = gap or found.reason
            continue
        alone = alone and not window.peek(1)
        length = member.end - member.start if alone and not window.damage else 0
        yield to_record(found, name, member.start, length, damage=window.damage, cap=cap, syntax=syntax)
        gap = gap or ("truncated" if cut else None)
        alone = False
    window.drain()
    return window.damage or gap, window.damage is not None


def to_record(
    frame: Frame,
    archive: str,
    offset: int,
    length: int,
    *,
    damage: str | None,
    cap: int,
    syntax: Syntax = WARC,
) -> Record:
    """Parse what was cut out. `damage` says why the bytes below are not to be trusted.

    A record of which nobody can say what it is counts as a response, so that it is told as a failure.
    """
    problem = ("truncated" if damage == "truncated" else "damaged") if damage else frame.problem
    head = Headers(syntax.as_warc(frame.head, len(frame.content)))
    kind = head.get(b"warc-type").lower()
    if not kind:
        return Record(archive, "response", "", "", None, offset, length, problem=problem or "bad_header")
    http: dict[str, Any] = {}
    if kind == "response" and not problem:
        http = _http(head, frame.content, cap)
    return Record(
        archive=archive,
        type=kind if kind in _TYPES else "unknown",
        url=head.get(b"warc-target-uri").strip("<>"),
        record_id=head.get(b"warc-record-id"),
        date=parse_date(head.get(b"warc-date")),
        offset=offset,
        length=length,
        payload_declared_digest=head.get(b"warc-payload-digest"),
        **{"problem": problem, "truncated": _truncated(head), **http},
    )


def _truncated(head: Headers) -> str:
    said = head.get(b"warc-truncated").lower()
    return said or ("segmented" if head.get(b"warc-segment-number") else "")


def _http(head: Headers, content: bytes, cap: int) -> dict[str, Any]:
    """The fields of a record that its HTTP response gives. Other protocols (dns:) stay without a status."""
    status, http, body = split_http(content)
    if status is None:
        claims_http = content.startswith(b"HTTP/") or "http" in head.get(b"content-type").lower()
        return {"problem": "bad_http"} if claims_http else {}
    content_type = http.get(b"content-type")
    found: dict[str, Any] = {
        "http_status": status,
        "mime": content_type.partition(";")[0].strip().lower(),
        "charset": charset_of(content_type),
        "robots": "\n".join(http.all(b"x-robots-tag")),
        "link": http.get(b"link"),
        "tdm": http.get(b"tdm-reservation"),
    }
    encoding, transfer = ",".join(http.all(b"content-encoding")), http.get(b"transfer-encoding")
    try:
        decoded = decode_body(body, encoding=encoding, transfer=transfer, cap=cap)
    except BodyError as error:
        return {**found, "problem": error.reason}
    found["payload"] = decoded.data
    as_sent = not encoding and not transfer
    if not decoded.complete or (as_sent and 0 < len(body) < _length_of(http)):
        found["truncated"] = _truncated(head) or "short"
    return found


def _length_of(http: Headers) -> int:
    """The body's length as the server declared it; 0 where it did not."""
    declared = http.get(b"content-length")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 16 else 0
