"""Cutting a stream of bytes into records, with every byte accounted for.

Lengths are checked rather than believed: a length that does not end where a record ends is answered
by looking for the next record, and what lies between is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from corpus.crawl.warc.window import Window

MAX_HEADER = 64 << 10
_TRUST = 16  # wrong lengths of a stream before its lengths are no longer tried first


@dataclass(frozen=True)
class Frame:
    """One record: `start` and `end` count bytes of the stream (behind decompression).

    `end` lies behind the line ends that close the record, so frames and gaps leave no byte between them.
    """

    start: int
    end: int
    head: bytes
    content: bytes
    problem: str | None  # truncated, bad_length, too_large (content is then cut at the cap)


@dataclass(frozen=True)
class Gap:
    """Bytes that are no record."""

    start: int
    end: int
    reason: str


class Syntax(Protocol):
    """How the records of a format open, and how long they say they are."""

    @property
    def next_record(self) -> re.Pattern[bytes]:
        """The whole line that opens a record, perhaps with a line end before it.

        It begins with fixed bytes: searching gigabytes is then ten times as fast.
        """

    @property
    def opening_bytes(self) -> int:
        """More bytes than `next_record` can match."""

    @property
    def border(self) -> bytes:
        """Bytes that alone prove a record's end; empty where only the next record does."""

    def opens(self, data: bytes) -> bool:
        """Whether data, which may be cut, begins as a record does."""

    def take_head(self, window: Window) -> bytes | None:
        """The header of the record that opens here; None if it has no end."""

    def length(self, head: bytes) -> int | None:
        """The bytes of content that a header declares; None where it declares none."""

    def as_warc(self, head: bytes, length: int) -> bytes:
        """The header as the WARC header of a record of `length` bytes."""


class WarcSyntax:
    """WARC 0.17 and later. Line ends may be line feeds alone, as in ClueWeb09, or translated twice."""

    next_record = re.compile(rb"WARC/[01]\.\d{1,2}\r{0,2}\n")
    opening_bytes = 32
    border = b"\r\n\r\n"
    _length = re.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r{0,2}$", re.IGNORECASE | re.MULTILINE)

    def opens(self, data: bytes) -> bool:
        return data.startswith(b"WARC/")

    def take_head(self, window: Window) -> bytes | None:
        head = window.take_until((b"\n\r\n", b"\n\n", b"\n\r\r\n"), MAX_HEADER)
        swallowed = self.next_record.search(head, 1) if head else None
        if not head or not swallowed:
            return head
        window.push_back(head[swallowed.start() :])  # the blank line was lost, and this is the next record's
        return head[: swallowed.start()]

    def length(self, head: bytes) -> int | None:
        declared = self._length.search(head)
        return int(declared.group(1)) if declared else None

    def as_warc(self, head: bytes, length: int) -> bytes:  # noqa: ARG002 - it is one already
        return head


def read_frames(window: Window, cap: int, syntax: Syntax) -> Iterator[Frame | Gap]:
    """All records of a stream, in order, and the gaps between them. Content beyond `cap` is not held."""
    wrong = 0
    while True:
        start = window.position
        window.skip_newlines()
        opening = window.peek(syntax.opening_bytes)
        if not opening:
            if window.position > start:
                yield Gap(start, window.position, "garbage")
            return
        head = syntax.take_head(window) if syntax.opens(opening) else None
        if head is None:
            reason = "truncated" if _is_cut(window, syntax) else "garbage"
            window.skip(1)
            skip_to_record(window, syntax)
            yield Gap(start, window.position, reason)
            continue
        content, problem = _content(window, head, cap, syntax, trusted=wrong < _TRUST)
        wrong += problem == "bad_length"
        window.skip_newlines()
        yield Frame(start, window.position, head, content, problem)


def single_frame(data: bytes, cap: int, syntax: Syntax) -> Frame | None:
    """The frame of a stream that is one sound record, as nearly all members are; None for all others."""
    end = data.find(b"\r\n\r\n") + 4
    if end < 4 or not syntax.opens(data) or not data.endswith(b"\r\n\r\n"):
        return None
    head = data[:end]
    length = syntax.length(head)
    if length is None or length > cap or end + length + 4 != len(data):
        return None
    return Frame(0, len(data), head, data[end:-4], None)


def skip_to_record(window: Window, syntax: Syntax, limit: int | None = None) -> bool:
    """Pass over everything before the next line that opens a record, or all (`limit` bytes) that is left."""
    found = window.skip_to(syntax.next_record, syntax.opening_bytes, limit)
    if found:
        window.skip_newlines()
    return found


def _is_cut(window: Window, syntax: Syntax) -> bool:
    """Whether what cannot be a header is the first part of one, at the end of the stream."""
    rest = window.peek(MAX_HEADER)
    return len(rest) < MAX_HEADER and (syntax.opens(rest) or b"WARC/".startswith(rest))


def _content(
    window: Window, head: bytes, cap: int, syntax: Syntax, *, trusted: bool
) -> tuple[bytes, str | None]:
    """The content behind a header, and what is wrong with it.

    A record ends where its length says so, if the next record or the end is there. Where the lengths of a
    stream have proved wrong again and again, the first line that could open a record ends one: to read far
    beyond each record and go back would take time by the square.
    """
    length = syntax.length(head)
    if length is None:
        return _content_without_length(window, cap, syntax), "bad_length"
    start, held = window.position, min(length, cap)
    next_record = None if trusted else _distance(window, syntax, held)
    if next_record is not None:
        return window.take(next_record).rstrip(b"\r\n"), "bad_length"
    content = window.take(held)
    if not trusted and skip_to_record(window, syntax, length - held):
        return content, "bad_length"
    beyond = window.position - start - held if not trusted else window.skip(length - held)
    complete = len(content) + beyond == length
    if complete and _at_border(window, syntax):
        return content, "too_large" if beyond else None
    swallowed = syntax.next_record.search(content if beyond else content + window.peek(syntax.opening_bytes))
    if swallowed and swallowed.start() < len(content):  # it runs into the record behind: give that one back
        if beyond:
            window.rewind(start + swallowed.start())
        else:
            window.push_back(content[swallowed.start() :])
        return content[: swallowed.start()].rstrip(b"\r\n"), "bad_length"
    if trusted and beyond and _swallowed_beyond(window, start, start + held, beyond, syntax):
        complete = True
    return content, "bad_length" if complete else "truncated"


def _distance(window: Window, syntax: Syntax, limit: int) -> int | None:
    return window.distance_to(syntax.next_record, syntax.opening_bytes, limit)


def _swallowed_beyond(window: Window, start: int, position: int, beyond: int, syntax: Syntax) -> bool:
    """Go back to the first record that begins in the bytes passed over behind `position`, if there is one.

    The content begins at `start`; to go back further would be to meet its own record again.
    What a large body holds is searched only once its length has proved wrong: a body may well be an archive.
    """
    overlap = min(syntax.opening_bytes, position - start)
    window.rewind(position - overlap)
    return skip_to_record(window, syntax, overlap + beyond)


def _at_border(window: Window, syntax: Syntax) -> bool:
    """Whether a record may end here: behind it, its closing line ends, the next record or the end."""
    ahead = window.peek(syntax.opening_bytes)
    if syntax.border and ahead.startswith(syntax.border):
        return True
    rest = ahead.lstrip(b"\r\n")
    return not rest or syntax.opens(rest)


def _content_without_length(window: Window, cap: int, syntax: Syntax) -> bytes:
    """What lies before the next record, up to `cap` bytes."""
    distance = _distance(window, syntax, cap)
    content = window.take(cap if distance is None else distance)
    if distance is None:
        skip_to_record(window, syntax)
    return content.rstrip(b"\r\n")
