"""Cutting a stream of bytes into WARC records, with every byte accounted for.

Lengths are checked rather than believed: a Content-Length that does not end where a record ends is answered
by looking for the next record, and what lies between is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MAX_HEADER = 64 << 10
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_NEXT_RECORD = re.compile(rb"\r?\nWARC/[01]\.\d{1,2}\r?\n")
_SCAN = 1 << 20
_OVERLAP = 32  # bytes; more than an opening line has


class StreamDamageError(Exception):
    """The bytes below the records cannot be read on; raised by chunk iterators, kept by Window."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Window:
    """A look-ahead buffer over chunks of bytes. Damage below ends the stream and is kept in `damage`.

    `chunks(n)` gives the bytes of the stream from the n-th on, as often as it is asked.
    """

    def __init__(self, chunks: Callable[[int], Iterator[bytes]]) -> None:
        self._open = chunks
        self._chunks = chunks(0)
        self._buffer = b""
        self._at = 0
        self.position = 0  # bytes taken or skipped so far
        self.damage: str | None = None

    def peek(self, n: int) -> bytes:
        """Up to `n` bytes; fewer only at the end of the stream."""
        self._fill(n)
        return self._buffer[self._at : self._at + n]

    def take(self, n: int) -> bytes:
        data = self.peek(n)
        self._at += len(data)
        self.position += len(data)
        return data

    def skip(self, n: int) -> int:
        """Pass over `n` bytes without holding them; the number that were there."""
        left = n
        while left > 0 and (step := min(left, self._fill(1))):
            self._at += step
            self.position += step
            left -= step
        return n - left

    def rewind(self, position: int) -> None:
        """Go back to where the stream was at `position`, by reading it again."""
        self._chunks, self._buffer, self._at = self._open(position), b"", 0
        self.position, self.damage = position, None

    def drain(self) -> None:
        while self.skip(_SCAN):
            pass

    def push_back(self, data: bytes) -> None:
        """Undo the last `take` for its final `len(data)` bytes."""
        self._buffer = data + self._buffer[self._at :]
        self._at = 0
        self.position -= len(data)

    def header(self) -> bytes | None:
        """Take header lines with the blank line that ends them; None if none does within the limit."""
        size = 4 << 10
        while True:
            data = self.peek(size)
            ends = [data.find(end) + len(end) for end in (b"\r\n\r\n", b"\n\n") if end in data]
            if ends:
                return self.take(min(ends))
            if len(data) < size or size >= MAX_HEADER:
                return None
            size *= 4

    def skip_newlines(self) -> None:
        while self.peek(1) in (b"\r", b"\n"):
            self.skip(1)

    def skip_to_record(self, limit: int | None = None) -> bool:
        """Pass over everything before the next line that opens a record, or all (`limit` bytes) that is left.

        Returns whether there was such a line.
        """
        end = None if limit is None else self.position + limit
        while data := self.peek(_SCAN if end is None else min(_SCAN, end - self.position)):
            found = _NEXT_RECORD.search(data)
            if found:
                self.skip(found.start())
                self.skip_newlines()
                return True
            self.skip(len(data) if len(data) < _SCAN else len(data) - _OVERLAP)
        return False

    def _fill(self, n: int) -> int:
        """Have at least `n` bytes ahead, if there are so many; the number that are ahead."""
        ahead = len(self._buffer) - self._at
        if ahead >= n:
            return ahead
        parts = [self._buffer[self._at :]]
        while ahead < n:
            try:
                chunk = next(self._chunks, b"")
            except StreamDamageError as damage:
                self.damage, chunk = damage.reason, b""
                self._chunks = iter(())
            if not chunk:
                break
            parts.append(chunk)
            ahead += len(chunk)
        self._buffer, self._at = b"".join(parts), 0
        return ahead


@dataclass(frozen=True)
class Frame:
    """One record: `start` and `end` count bytes of the stream (behind decompression)."""

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


def read_frames(window: Window, cap: int) -> Iterator[Frame | Gap]:
    """All records of a stream, in order, and the gaps between them. Content beyond `cap` is not held."""
    while True:
        window.skip_newlines()
        start = window.position
        opening = window.peek(5)
        if not opening:
            return
        head = window.header() if opening == b"WARC/" else None
        if head is None:
            cut = opening == b"WARC/" and len(window.peek(MAX_HEADER)) < MAX_HEADER
            reason = "truncated" if cut else "garbage"
            window.skip(1)
            window.skip_to_record()
            yield Gap(start, window.position, reason)
        else:
            yield _frame(window, start, head, cap)


def _frame(window: Window, start: int, head: bytes, cap: int) -> Frame:
    declared = _LENGTH.search(head)
    if declared is None:
        content = _content_without_length(window, cap)
        return Frame(start, window.position, head, content, "bad_length")
    length = int(declared.group(1))
    content = window.take(min(length, cap))
    beyond = window.skip(length - len(content)) if length > len(content) else 0
    complete = len(content) + beyond == length
    if complete and _at_border(window):
        return Frame(start, window.position, head, content, "too_large" if beyond else None)
    swallowed = _NEXT_RECORD.search(content)
    if swallowed:  # the length runs into the record behind: give that one back
        if beyond:
            window.rewind(start + len(head) + swallowed.start())
        else:
            window.push_back(content[swallowed.start() :])
        content = content[: swallowed.start()]
        return Frame(start, window.position, head, content.rstrip(b"\r\n"), "bad_length")
    if beyond and _swallowed_beyond(window, start + len(head) + len(content), beyond):
        return Frame(start, window.position, head, content, "bad_length")
    return Frame(start, window.position, head, content, "bad_length" if complete else "truncated")


def _swallowed_beyond(window: Window, position: int, beyond: int) -> bool:
    """Go back to the first record that begins in the bytes passed over behind `position`, if there is one.

    What a large body holds is searched only once its length has proved wrong: a body may well be an archive.
    """
    overlap = min(_OVERLAP, position)
    window.rewind(position - overlap)
    return window.skip_to_record(overlap + beyond)


def _at_border(window: Window) -> bool:
    """Whether a record may end here: nothing but line ends before the next record or the end."""
    ahead = window.peek(16).lstrip(b"\r\n")
    return ahead.startswith(b"WARC/") or not ahead


def _content_without_length(window: Window, cap: int) -> bytes:
    """What lies before the next record, up to `cap` bytes."""
    data = window.peek(cap)
    found = _NEXT_RECORD.search(data)
    content = window.take(found.start() if found else len(data))
    if not found:
        window.skip_to_record()
    return content
