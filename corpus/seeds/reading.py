"""Seed files and containers to items.

A container is a gzip JSONL whose rows carry one item each, with its origin.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from corpus.seeds import rows
from corpus.seeds.code.suffixes import SUFFIXES as CODE_SUFFIXES
from corpus.seeds.parsing import LINES_SUFFIXES
from corpus.seeds.records import MALFORMED, TOO_LARGE, Item, Origin, words

SUFFIXES = (
    ".json",
    ".jsonl",
    ".ndjson",
    ".yaml",
    ".yml",
    ".md",
    ".markdown",
    ".mdx",
    ".rst",
    ".txt",
    ".csv",
    ".traj",
    ".parquet",
    *CODE_SUFFIXES,
)
SUFFIXES_ANY_CASE = tuple(s for suffix in SUFFIXES for s in (suffix, suffix.upper()))
CONTAINERS = (".jsonl.gz",)
ZIPPED = (*CONTAINERS, ".ndjson.gz", ".json.gz")
PARQUET = ".parquet"
STREAMED_BYTES = 16 << 20  # JSON files from this size on are read element by element
_ROW_KEYS = {"text", "file"}
_LOOKED_AT = 16  # rows of which one must be a container's: a bad row at its head does not hide the others
_MOST_INDEX = 1 << 30  # leaves room in 32 bits for the seeds of one item
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Line:
    """One line of a container, or the reason why it could not be read."""

    text: str
    reason: str = ""


def read_text(path: str, most_bytes: int) -> tuple[str, str]:
    """The file as text, unzipped if it ends in .gz, and why that is not all of it: too large or damaged.

    It is read as UTF-8, bad bytes replaced. Of a damaged gzip, what stands before the damage is returned.
    """
    data, reason = bytearray(), ""
    with rows.plain_stream(path) as stream:
        read = getattr(stream, "read1", stream.read)  # read would lose what it has when it meets the damage
        try:
            while len(data) <= most_bytes and (piece := read(_CHUNK)):
                data += piece
        except rows.DAMAGE:
            reason = MALFORMED
    if len(data) > most_bytes:
        return "", TOO_LARGE
    return data.decode("utf-8-sig", "replace"), reason


def container_lines(path: str, most_bytes: int) -> Iterator[Line]:
    """The lines of a container. A longer one than `most_bytes` is passed over; damage ends the reading."""
    for row in rows.lines(path, most_bytes):
        yield Line(row.text, row.reason)


def container_item(line: Line, path: str, number: int, defaults: Origin) -> Item:
    """The item in one row of a container. A row that is none becomes an item of its own, and fails as one."""
    row = _row(line)
    if not isinstance(row.get("text"), str):
        origin = Origin(defaults.name, defaults.address, defaults.licence, posixpath.basename(path))
        return Item(origin, number, line.text.rstrip("\r\n"), line.reason)
    origin = Origin(
        words(row.get("origin")) or words(row.get("source")) or defaults.name,
        words(row.get("source")) or defaults.address,
        words(row.get("licence")) or defaults.licence,
        words(row["file"]) or posixpath.basename(path),
    )
    index = row.get("idx")
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < _MOST_INDEX:
        index = number
    return Item(origin, index, row["text"])


def _row(line: Line) -> dict[str, Any]:
    """The row of a container in a line; empty where it holds none."""
    try:
        row = json.loads(line.text)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) and set(row) >= _ROW_KEYS else {}


def is_container(path: str, most_bytes: int) -> bool:
    """Whether a gzip JSONL holds rows with their origin (a container) and not plain rows of one format."""
    if not path.endswith(CONTAINERS):
        return False
    return any(_row(line) for line in islice(container_lines(path, most_bytes), _LOOKED_AT))


def is_lines(path: str) -> bool:
    return path.lower().removesuffix(".gz").endswith(LINES_SUFFIXES)


def is_streamed(path: str, size: int) -> bool:
    """Whether the items of a file are read one by one as the file goes by, and not the file as one text."""
    name = path.lower()
    large = name.endswith(".json") and size >= STREAMED_BYTES
    return is_lines(path) or large or name.endswith((PARQUET, ".json.gz"))


def file_items(
    path: str, origin: Origin, most_bytes: int, *, part: int = 0, parts: int = 1, size: int = 0
) -> Iterator[Item]:
    """The items of one file in its original format; at least one, with a reason where it cannot be read.

    Of files that are read row by row, every `parts`-th item from `part` on (Parquet: row group).
    """
    if not is_streamed(path, size):
        text, reason = read_text(path, most_bytes)
        yield Item(origin, 0, "" if reason else text, reason)
        return
    found = 0
    for row in _rows(path, most_bytes, part, parts):
        found += 1
        if row.reason:
            yield Item(origin, row.position, "", row.reason)
        elif row.value is not None:
            yield Item(origin, row.position, "", value=row.value)
        elif row.text.strip():
            yield Item(origin, row.position, row.text)
    if not found and part == 0:
        yield Item(origin, 0, "")


def _rows(path: str, most_bytes: int, part: int, parts: int) -> Iterator[rows.Row]:
    if path.lower().endswith(PARQUET):
        yield from rows.parquet_rows(path, part, parts)
        return
    read = rows.lines if is_lines(path) else rows.json_elements
    yield from (row for row in read(path, most_bytes) if row.position % parts == part)
