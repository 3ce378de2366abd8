"""Rows of files that are larger than memory should hold: lines, elements of JSON, rows of Parquet.

Each reader yields (position, row or reason) in order, with bounds on a row, and never raises for what a file
holds: damage ends the file with one `malformed` row, and what stands before it is kept.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.attempts import WebError
from corpus.seeds.records import MALFORMED, TOO_LARGE

DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)  # a gzip stream that is cut, false or broken
_CHUNK = 1 << 20
_BATCH_ROWS = 16  # rows of Parquet decoded at once: a short file can hold a long value many times
_MOST_CHUNK = 2 << 30  # plain bytes of a column within a row group; Parquet decodes a column page by page
_MOST_CONTAINERS, _MOST_STRINGS = 100_000, 64 << 20  # bounds of Parquet's footer, which is read whole
_DAMAGED_PARQUET = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError, RecursionError)
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


class Row(NamedTuple):
    """A row at its position in the file: a text line, or a value, or the reason why there is none."""

    position: int
    text: str = ""
    value: Any = None
    reason: str = ""


def plain_stream(path: str) -> BinaryIO:
    """The file, unzipped if its name ends in .gz. OSError where it cannot be opened."""
    raw = storage.open_input(path)
    return cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if path.lower().endswith(".gz") else raw


def lines(path: str, most_bytes: int) -> Iterator[Row]:
    """The lines of a file. A longer one than `most_bytes` is passed over with a reason."""
    with plain_stream(path) as stream:
        for number, line in enumerate(_split(stream, most_bytes)):
            yield Row(number, reason=line) if isinstance(line, str) else Row(number, _text(line))


def _split(stream: BinaryIO, most_bytes: int) -> Iterator[bytes | str]:
    """Whole lines as bytes, or the reason for one that is none; what came before damage is not lost."""
    read = getattr(stream, "read1", stream.read)
    held, passing = b"", False
    try:
        while piece := read(_CHUNK):
            *whole, held = (held + piece).split(b"\n")
            for line in whole:
                yield TOO_LARGE if passing or len(line) > most_bytes else line
                passing = False
            if passing or len(held) > most_bytes:
                held, passing = b"", True
    except DAMAGE:
        yield MALFORMED
        return
    if held or passing:
        yield TOO_LARGE if passing else held


def _text(line: bytes) -> str:
    return line.decode("utf-8-sig", "replace")


def json_elements(path: str, most_chars: int) -> Iterator[Row]:
    """The elements of a large JSON array, or values that follow one another, decoded one at a time."""
    number = 0
    with plain_stream(path) as raw, io.TextIOWrapper(cast(Any, raw), "utf-8-sig", "replace") as stream:
        window = _Window(stream, most_chars)
        try:
            array = window.next_sign() == "["
            if array:
                window.skip()
            while (sign := window.next_sign()) and sign != "]":
                value, length = window.value()
                yield Row(number, reason=TOO_LARGE) if length > most_chars else Row(number, value=value)
                number += 1
                if window.next_sign() == ",":
                    window.skip()
            if array and not sign:
                yield Row(number, reason=MALFORMED)  # the array has no end: the file was cut
        except _TooLong:
            yield Row(number, reason=TOO_LARGE)
        except (*DAMAGE, ValueError, RecursionError):
            yield Row(number, reason=MALFORMED)


class _TooLong(Exception):  # noqa: N818
    """An element is longer than what may be held of a file."""


class _Window:
    """A stretch of a text stream that grows until it holds a whole JSON value."""

    def __init__(self, stream: io.TextIOWrapper, most: int) -> None:
        self._stream, self._most = stream, most
        self._text, self._at, self._ended = "", 0, False

    def _grow(self) -> bool:
        if self._ended:
            return False
        left = self._text[self._at :]
        more = self._stream.read(max(_CHUNK, len(left)))  # doubled: retries cost one pass more
        self._ended = not more
        self._text, self._at = left + more, 0
        return bool(more)

    def next_sign(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow():
                return ""

    def skip(self) -> None:
        self._at += 1

    def value(self) -> tuple[Any, int]:
        """The value that begins here, and its length in characters."""
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended or isinstance(found, (dict, list, str)):
                    length, self._at = end - self._at, end
                    return found, length
            except json.JSONDecodeError:
                if self._ended:
                    raise
            if len(self._text) - self._at > self._most:
                raise _TooLong
            self._grow()


def parquet_rows(path: str, part: int = 0, parts: int = 1) -> Iterator[Row]:
    """The rows of every `parts`-th row group from `part` on, a few at a time.

    A row group that is damaged, or too large when it is unpacked, ends with a reason; the others are read.
    """
    try:
        with storage.open_input(path) as stream:
            file = pq.ParquetFile(
                stream,
                buffer_size=_CHUNK,
                pre_buffer=False,
                thrift_string_size_limit=_MOST_STRINGS,
                thrift_container_size_limit=_MOST_CONTAINERS,
            )
            position = 0
            for number in range(file.metadata.num_row_groups):
                group = file.metadata.row_group(number)
                if number % parts == part:
                    yield from _group_rows(file, number, position)
                position += max(group.num_rows, 0)
    except WebError:
        raise
    except _DAMAGED_PARQUET:
        if part == 0:
            yield Row(0, reason=MALFORMED)


def _group_rows(file: pq.ParquetFile, number: int, position: int) -> Iterator[Row]:
    if _largest(file.metadata.row_group(number)) > _MOST_CHUNK:
        yield Row(position, reason=TOO_LARGE)
        return
    try:
        for batch in file.iter_batches(_BATCH_ROWS, row_groups=[number], use_threads=False):
            for value in batch.to_pylist():
                yield Row(position, value={key: _plain(inner) for key, inner in value.items()})
                position += 1
    except WebError:
        raise
    except _DAMAGED_PARQUET:
        yield Row(position, reason=MALFORMED)


def _largest(group: Any) -> int:
    return max((group.column(n).total_uncompressed_size for n in range(group.num_columns)), default=0)


def _plain(value: Any) -> Any:
    """What JSON can hold: bytes as text where they are text, else nothing; pairs of maps as mappings."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return None
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        if value and all(isinstance(one, tuple) and len(one) == 2 for one in value):
            return {str(key): _plain(inner) for key, inner in value}
        return [_plain(one) for one in value]
    return value
