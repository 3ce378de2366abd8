"""Seed files and containers to items.

A container is a gzip JSONL whose rows carry one item each, with its origin.
"""

from __future__ import annotations

import gzip
import json
import posixpath
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile
from corpus.seeds.parsing import LINES_SUFFIXES, parse, rows
from corpus.seeds.records import MALFORMED, TOO_LARGE, Item, Origin, clean, mapping, words

SUFFIXES = (
    ".json",
    ".jsonl",
    ".ndjson",
    ".yaml",
    ".yml",
    ".md",
    ".markdown",
    ".rst",
    ".txt",
    ".csv",
    ".traj",
)
SUFFIXES_ANY_CASE = tuple(s for suffix in SUFFIXES for s in (suffix, suffix.upper()))
CONTAINERS = (".jsonl.gz",)
SIDECAR = "SOURCE.yaml"
_ROW_KEYS = {"text", "file"}
_LOOKED_AT = 16  # rows of which one must be a container's: a bad row at its head does not hide the others
_MOST_INDEX = 1 << 30  # leaves room in 32 bits for the seeds of one item
_CHUNK = 1 << 20
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)  # a gzip stream that is cut, false or broken


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
    with storage.open_input(path) as raw:
        # read1, since read would lose what it has when it meets the damage
        read = gzip.GzipFile(fileobj=raw).read1 if path.endswith(".gz") else raw.read
        try:
            while len(data) <= most_bytes and (piece := read(_CHUNK)):
                data += piece
        except _DAMAGE:
            reason = MALFORMED
    if len(data) > most_bytes:
        return "", TOO_LARGE
    return data.decode("utf-8-sig", "replace"), reason


def container_lines(path: str, most_bytes: int) -> Iterator[Line]:
    """The lines of a container. A longer one than `most_bytes` is passed over; damage ends the reading."""
    with storage.open_input(path) as raw, gzip.GzipFile(fileobj=raw) as plain:
        try:
            while line := plain.readline(most_bytes + 1):
                if len(line) <= most_bytes:
                    yield Line(line.decode("utf-8-sig", "replace"))
                    continue
                while line and not line.endswith(b"\n"):
                    line = plain.readline(_CHUNK)
                yield Line("", TOO_LARGE)
        except _DAMAGE:
            yield Line("", MALFORMED)


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


def file_items(path: str, origin: Origin, most_bytes: int) -> Iterator[Item]:
    """The items of one file in its original format; at least one, with a reason where it cannot be read."""
    text, reason = read_text(path, most_bytes)
    name = origin.path.removesuffix(".gz")
    if reason:  # whole lines before the damage are rows; of anything else a part is no item
        text = text[: text.rfind("\n") + 1] if name.lower().endswith(LINES_SUFFIXES) else ""
    contents = [(number, content) for number, content in rows(name, text) if content or not reason]
    for number, content in contents:
        yield Item(origin, number, content)
    if reason or not contents:
        yield Item(origin, text.count("\n"), "", reason)


def origins(
    files: list[InputFile], inputs: tuple[str, ...], source: str | None, licence: str | None
) -> list[Origin]:
    """The origin of each file: by config, else the nearest `SOURCE.yaml` above it, else the input's name."""
    roots = sorted(
        (storage.resolve(i)[1].rstrip("/") for i in inputs if storage.is_folder(i)), key=len, reverse=True
    )
    cache: dict[str, dict[str, str]] = {}
    found = []
    for file in files:
        inner = storage.resolve(file.path)[1] if not file.path.startswith("http") else file.path
        root = next((r for r in roots if inner.startswith(r + "/")), posixpath.dirname(inner))
        beside = _sidecar(posixpath.dirname(inner), root, file.path, cache)
        relative = inner[len(root) :].lstrip("/") or posixpath.basename(inner)
        name = source or beside.get("source") or posixpath.basename(root) or "seeds"
        found.append(
            Origin(name, beside.get("address", ""), licence or beside.get("licence") or None, relative)
        )
    return found


def _sidecar(folder: str, root: str, original: str, cache: dict[str, dict[str, str]]) -> dict[str, str]:
    """What `SOURCE.yaml` says in `folder` or the nearest one above it, up to `root`.

    Its keys are source, address and licence.
    """
    if folder in cache:
        return cache[folder]
    path = storage.with_scheme(original, posixpath.join(folder, SIDECAR))
    found: dict[str, str] = {}
    if not original.startswith("http") and storage.exists(path):
        try:
            data = mapping(parse(SIDECAR, storage.read_bytes(path).decode("utf-8-sig")))
            found = {key: clean(words(data.get(key))) for key in ("source", "address", "licence")}
        except ValueError as error:  # Malformed, bytes that are no text, an integer without end
            raise UserError(
                f"{path} is not valid YAML; it may hold the keys source, address and licence."
            ) from error
    elif folder.startswith(root + "/"):
        found = _sidecar(posixpath.dirname(folder), root, original, cache)
    cache[folder] = found
    return found
