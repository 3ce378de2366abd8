"""JSON records of a file: one per line, or objects in an array or one after the other.

Values are taken as they stand: no schema is inferred, so a field may be a number here and a text there. What
cannot be read is a record with a reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from corpus.engine import storage
from corpus.shards.sources.streams import DamageError, Plain, open_plain
from corpus.shards.sources.values import clean

MALFORMED, NOT_UTF8, TOO_LARGE = "malformed", "not_utf8", "too_large"
MOST_BYTES = 64 << 20  # of one record
_BOM = b"\xef\xbb\xbf"
_MARK = re.compile(rb'["\\{}]')
_OUTSIDE = re.compile(rb"[^\s,\[\]\xef\xbb\xbf]")  # the first byte that belongs to a value
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SPACE = b" \t\r\n"


@dataclass(frozen=True)
class Record:
    """One record: `offset` is its first byte in the plain file (or its row), `reason` why it has no value."""

    offset: int
    value: dict[str, Any] | None
    reason: str = ""


def parse(data: bytes, offset: int) -> Record:
    """The JSON object in `data`."""
    try:
        value = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        return Record(offset, None, NOT_UTF8)
    except (ValueError, RecursionError):
        return Record(offset, None, MALFORMED)
    if not isinstance(value, dict):
        return Record(offset, None, MALFORMED)
    return Record(offset, _fit(value) if _SURROGATE.search(data) else value)


def _fit(value: Any) -> Any:
    """`value` with lone surrogates replaced in all its texts: JSON can write them, UTF-8 cannot hold them."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_fit(one) for one in value]
    return {clean(key): _fit(one) for key, one in value.items()} if isinstance(value, dict) else value


def read_lines(path: str, start: int = 0, stop: int = -1, most: int = MOST_BYTES) -> Iterator[Record]:
    """The records of the lines that begin in [start, stop) of a plain file; the whole of a compressed one.

    A line of more than `most` bytes is passed over with a reason. Damage ends the reading with one.
    """
    with storage.open_input(path) as stream:
        plain = open_plain(stream)
        before = max(start - 1, 0)  # a line begins at `start` if the byte in front of it is a break
        stream.seek(before)
        for offset, line, reason in _lines(plain, before, most):
            if 0 <= stop <= offset:
                return
            if start and offset < start:
                continue
            if reason:
                yield Record(offset, None, reason)
            elif line.strip(_SPACE):
                yield parse(line.removeprefix(_BOM) if offset == 0 else line, offset)


def _lines(plain: Plain, offset: int, most: int) -> Iterator[tuple[int, bytes, str]]:
    """(first byte, line without its break, why there is none); `offset` is where `plain` begins."""
    waiting, passed = bytearray(), 0  # of the line at `offset`: what is kept, and bytes that were let go
    while True:
        try:
            chunk = plain.read()
        except DamageError as damage:
            yield offset, b"", damage.reason  # what stands before it is half a line
            return
        if not chunk:
            break
        begin = 0
        while (end := chunk.find(b"\n", begin)) >= 0:
            size = passed + len(waiting) + end - begin
            yield (offset, b"", TOO_LARGE) if size > most else (offset, bytes(waiting) + chunk[begin:end], "")
            offset, begin, passed = offset + size + 1, end + 1, 0
            waiting.clear()
        waiting += chunk[begin:]
        if len(waiting) > most:
            passed += len(waiting)
            waiting.clear()
    if waiting or passed:
        yield offset, bytes(waiting), TOO_LARGE if passed else ""


def read_objects(path: str, most: int = MOST_BYTES) -> Iterator[Record]:
    """The objects of a file that is one JSON array, one object over many lines, or objects in a row."""
    with storage.open_input(path) as stream:
        plain, scanner, offset = open_plain(stream), _Scanner(), 0
        while True:
            try:
                chunk = plain.read()
            except DamageError as damage:
                yield Record(offset, None, damage.reason)
                return
            scanner.buffer += chunk
            done = 0
            for begin, end in scanner.objects():
                if stray := _OUTSIDE.search(scanner.buffer, done, begin):
                    yield Record(offset + stray.start(), None, MALFORMED)
                yield parse(bytes(scanner.buffer[begin:end]), offset + begin)
                done = end
            scanner.cut(done)
            offset += done
            if len(scanner.buffer) > most:
                yield Record(offset, None, TOO_LARGE)  # what lies behind it cannot be told from it
                return
            if not chunk:
                break
        if stray := _OUTSIDE.search(scanner.buffer):
            yield Record(offset + stray.start(), None, MALFORMED)


class _Scanner:
    """Where top-level objects begin and end in a buffer that grows at its end and is cut at its front."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self._depth, self._at, self._begin, self._in_text = 0, 0, 0, False

    def objects(self) -> Iterator[tuple[int, int]]:
        while found := _MARK.search(self.buffer, self._at):
            mark, self._at = found[0], found.end()
            if mark == b"\\":
                self._at += 1
            elif mark == b'"':
                self._in_text = not self._in_text
            elif not self._in_text and mark == b"{":
                if self._depth == 0:
                    self._begin = found.start()
                self._depth += 1
            elif not self._in_text and mark == b"}" and self._depth:
                self._depth -= 1
                if self._depth == 0:
                    yield self._begin, self._at
        self._at = max(self._at, len(self.buffer))

    def cut(self, size: int) -> None:
        del self.buffer[:size]
        self._at, self._begin = self._at - size, self._begin - size


def read_json(path: str, start: int = 0, stop: int = -1, most: int = MOST_BYTES) -> Iterator[Record]:
    """The records of a file, whichever form it has; a range of bytes is one of lines."""
    if start == 0 and is_objects(path):
        return read_objects(path, most)
    return read_lines(path, start, stop, most)


def is_objects(path: str) -> bool:
    """Whether the file is an array or an object over several lines, by its beginning."""
    with storage.open_input(path) as stream:
        try:
            head = open_plain(stream).read()
        except DamageError:
            return False
    body = head.removeprefix(_BOM).lstrip(_SPACE)
    line, broken, _ = body.partition(b"\n")
    if body.startswith(b"["):
        return True
    if not broken or not body.startswith(b"{") or parse(line, 0).value is not None:
        return False
    if not line.rstrip().endswith((b"{", b"[", b",")):
        return False  # a broken line of a file of lines
    scanner = _Scanner()
    scanner.buffer += body
    found = next(scanner.objects(), None)
    return found is None or parse(body[found[0] : found[1]], 0).value is not None
