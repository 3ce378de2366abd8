"""Labels from a file: Parquet or CSV with `url` and `label` or `verdict`, and what else it says of a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile, expand
from corpus.labels.votes import FILE, Vote, meaning

TABLE = "labels"  # of a finished stage
_SAID = ("label", "verdict")
_SITES = ("origin", "site", "host")
_SURE = {"high": 0.95, "medium": 0.75, "low": 0.5}  # words in which people say how sure they are


def files_of(path: str) -> list[InputFile]:
    """The files behind one entry of `labels=`: a file, a glob, or a finished stage of labels."""
    if manifest.is_finished(path):
        manifest.require_whole(manifest.read(path), TABLE)
        return expand([storage.join(path, TABLE)], suffixes=(".parquet",))
    return expand([path], suffixes=(".parquet", ".csv"))


def read(path: str) -> dict[str, Vote]:
    """URL to vote. Raises UserError for a file, column or value that is not as it must be.

    Where a file names an address twice, its last word counts. In a row with label and verdict the verdict is
    the closer look.
    """
    name = giver_of(path)
    found: dict[str, Vote] = {}
    for file in files_of(path):
        for row in _rows(file.path):
            url = str(row.get("url") or "")
            if url and (vote := _vote(row, name, storage.redact(file.path))) is not None:
                found[url] = vote
    return found


def giver_of(path: str) -> str:
    return f"{FILE}:{storage.redact(path).rstrip('/').rpartition('/')[2]}"


def _vote(row: Mapping[str, Any], name: str, path: str) -> Vote | None:
    """The vote in a row; None where it says nothing."""
    words = [str(row[column]) for column in reversed(_SAID) if row.get(column) not in (None, "")]
    if not words:
        return None
    meanings = [meaning(word) for word in words]
    if None in meanings:
        wrong = words[meanings.index(None)]
        raise UserError(
            f"{path} says '{wrong[:40]}' of {row['url']}; labels are positive, negative, ambiguous or "
            "unlabelled, verdicts yes, no or stub."
        )
    label, verdict = next(m for m in meanings if m)
    texts = {
        column: str(row[column]) if row.get(column) else None for column in ("kind", "rationale", "genre")
    }
    site = next((str(row[column]) for column in _SITES if row.get(column)), None)
    sure = _confidence(row.get("confidence"), path)
    return Vote(name, label, verdict, texts["kind"] or texts["genre"], sure, texts["rationale"], site)


def _confidence(value: Any, path: str) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.strip().lower() in _SURE:
        return _SURE[value.strip().lower()]
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise UserError(
            f"{path} has the confidence '{value}'; it is a number from 0 to 1, or high, medium, low."
        )
    return number


def _rows(path: str) -> Iterator[Mapping[str, Any]]:
    rows, columns = _parquet(path) if path.endswith(".parquet") else _csv(path)
    name = storage.redact(path)
    if "url" not in columns or not set(columns) & set(_SAID):
        raise UserError(f"the labels file {name} needs the columns url and label or verdict.")
    return rows


def _parquet(path: str) -> tuple[Iterator[Mapping[str, Any]], list[str]]:
    try:
        with storage.open_input(path) as stream:
            file = pq.ParquetFile(stream)
            wanted = ["url", *_SAID, "kind", "genre", "rationale", "confidence", *_SITES]
            there = [name for name in wanted if name in file.schema_arrow.names]
            rows: list[Mapping[str, Any]] = file.read(columns=there).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"the labels file {storage.redact(path)} is no Parquet file: {storage.reason_of(error)}."
        ) from error
    return iter(rows), there


def _csv(path: str) -> tuple[Iterator[Mapping[str, Any]], list[str]]:
    try:
        reader = csv.DictReader(io.StringIO(storage.read_bytes(path).decode("utf-8-sig")))
        return iter(list(reader)), list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"the labels file {storage.redact(path)} is no CSV in UTF-8: {storage.reason_of(error)}."
        ) from error
