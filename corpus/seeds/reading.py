"""Seed files and containers to items.

A container is a gzip JSONL whose rows carry one item each, with its origin.
"""

from __future__ import annotations

import gzip
import io
import json
import posixpath
from collections.abc import Iterator
from typing import Any

import yaml

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile
from corpus.seeds.parsing import rows
from corpus.seeds.records import Item, Origin, mapping, words

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


def read_text(path: str, most_bytes: int) -> str | None:
    """The file as text, unzipped if it ends in .gz; None if longer than `most_bytes`.

    It is read as UTF-8, bad bytes replaced.
    """
    with storage.open_input(path) as raw:
        stream = gzip.GzipFile(fileobj=raw) if path.endswith(".gz") else raw
        data = stream.read(most_bytes + 1)
    return None if len(data) > most_bytes else data.decode("utf-8-sig", "replace")


def container_lines(path: str) -> Iterator[str]:
    with storage.open_input(path) as raw, gzip.GzipFile(fileobj=raw) as plain:
        yield from io.TextIOWrapper(plain, encoding="utf-8", errors="replace")


def container_item(line: str, path: str, number: int, defaults: Origin) -> Item:
    """The item in one row of a container. A row that is none becomes an item of its own, and fails as one."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not set(row) >= _ROW_KEYS or not isinstance(row["text"], str):
        origin = Origin(defaults.name, defaults.address, defaults.licence, posixpath.basename(path))
        return Item(origin, number, line.rstrip("\n"))
    origin = Origin(
        words(row.get("origin")) or words(row.get("source")) or defaults.name,
        words(row.get("source")) or defaults.address,
        words(row.get("licence")) or defaults.licence,
        words(row["file"]) or posixpath.basename(path),
    )
    index = row.get("idx")
    return Item(origin, index if isinstance(index, int) and 0 <= index < 2**31 else number, row["text"])


def is_container(path: str) -> bool:
    """Whether a gzip JSONL holds rows with their origin (a container) and not plain rows of one format."""
    if not path.endswith(CONTAINERS):
        return False
    try:
        row = json.loads(next(iter(container_lines(path)), "null"))
    except (ValueError, OSError, EOFError):
        return False
    return isinstance(row, dict) and set(row) >= _ROW_KEYS


def file_items(path: str, origin: Origin, most_bytes: int) -> Iterator[Item]:
    """The items of one file in its original format."""
    text = read_text(path, most_bytes)
    if text is None:
        # Blanks stand for the file, one more than allowed, so that the item fails for its size.
        yield Item(origin, 0, " " * (most_bytes + 1))
        return
    found = False
    for number, content in rows(origin.path.removesuffix(".gz"), text):
        found = True
        yield Item(origin, number, content)
    if not found:
        yield Item(origin, 0, "")


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
        found.append(Origin(name, beside.get("address", ""), licence or beside.get("licence"), relative))
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
            data = mapping(yaml.safe_load(storage.read_bytes(path)))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path} is not valid YAML; it may hold the keys source, address and licence."
            ) from error
        found = {
            key: words(data.get(key)) for key in ("source", "address", "licence") if words(data.get(key))
        }
    elif folder.startswith(root + "/"):
        found = _sidecar(posixpath.dirname(folder), root, original, cache)
    cache[folder] = found
    return found
