"""Reading benchmark files: JSON, JSON Lines and Parquet of any layout, to the parts of their items."""

from __future__ import annotations

import gzip
import io
import json
import posixpath
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile, expand
from corpus.hygiene.items import Part, parts_of

_JSON = (".jsonl", ".json", ".ndjson")
SUFFIXES = (*_JSON, *(f"{name}.gz" for name in _JSON), ".parquet")
LARGEST = 4 << 30  # bytes of one benchmark file, unpacked


@dataclass
class Reading:
    """What was read: parts in the order of the files, and the records that gave none."""

    parts: list[Part] = field(default_factory=list)
    records: int = 0
    without_parts: int = 0
    unreadable: int = 0


def find(paths: Sequence[str]) -> list[InputFile]:
    """The benchmark files, sorted. Raises UserError for a path that matches none."""
    return expand(list(paths), suffixes=SUFFIXES) if paths else []


def read(files: Sequence[InputFile]) -> Reading:
    """All items of the files. Raises UserError for a file that cannot be read as any of the formats."""
    reading = Reading()
    for file in files:
        name = posixpath.basename(file.path).split(".", maxsplit=1)[0]
        before = reading.records
        for record in _records(file.path):
            reading.records += 1
            if record is _UNREADABLE:
                reading.unreadable += 1
                continue
            parts = parts_of(record, name, reading.records - before - 1)
            reading.without_parts += not parts
            reading.parts += parts
        if reading.records == before:
            raise UserError(f"the benchmark file {storage.redact(file.path)} holds no record.")
    return reading


_UNREADABLE = object()


def _records(path: str) -> Iterator[Any]:
    shown = storage.redact(path)
    try:
        data = _unpacked(path)
        if path.endswith(".parquet"):
            for batch in pq.ParquetFile(io.BytesIO(data)).iter_batches(batch_size=1000):
                yield from batch.to_pylist()
            return
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"the benchmark file {shown} is not UTF-8 text: {error.reason}.") from error
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise UserError(f"cannot read the benchmark file {shown}: {str(error).splitlines()[0]}.") from error
    yield from _of_json(text)


def _unpacked(path: str) -> bytes:
    data = storage.read_bytes(path)
    if path.endswith(".gz"):
        with gzip.open(io.BytesIO(data)) as stream:
            data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise UserError(f"the benchmark file {storage.redact(path)} is larger than {LARGEST >> 30} GiB.")
    return data


def _of_json(text: str) -> Iterator[Any]:
    """The records of one JSON value (a list, an object with one list of records), or one value per line."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        for line in text.split("\n"):
            if line.strip():
                yield _loaded(line)
        return
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        if len(lists) == 1 and lists[0] and all(isinstance(item, dict) for item in lists[0]):
            whole = lists[0] if len(whole) <= 3 else [whole]
    yield from whole if isinstance(whole, list) else [whole]


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return _UNREADABLE
