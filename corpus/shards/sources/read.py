"""Sources as rows of one schema: what each source reads, in tasks of about equal size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.shards.config import SFT, SourceConfig
from corpus.shards.conversations import registry
from corpus.shards.conversations.rows import rows as conversation_rows
from corpus.shards.conversations.schema import MESSAGES_TYPE
from corpus.shards.sources import layouts
from corpus.shards.sources.document import Place, Rules, document, failed
from corpus.shards.sources.lines import Record, is_objects, read_json
from corpus.shards.sources.locate import ARROW, JSON, PARQUET, Location, formats_of, locate, own_columns
from corpus.shards.sources.streams import is_compressed
from corpus.shards.sources.tabular import read_arrow, read_parquet
from corpus.shards.sources.values import coerce

_TEXTS = ("id", "url", "text", "language", "source", "kind", "licence")
ROWS = pa.schema(
    [(name, pa.string()) for name in _TEXTS]
    + [("agent_score", pa.float32()), ("messages", MESSAGES_TYPE), ("tools", pa.string())]
    + [("group", pa.string()), ("reason", pa.string()), ("file", pa.string()), ("offset", pa.int64())]
    + [("record", pa.int64())]
)
TASK_BYTES = 64 << 20  # at most, of a file that can be read in parts; small files share a task up to it
LEAST_TASK_BYTES, TASKS = 4 << 20, 32  # a smaller source is cut finer, so that it keeps several cores busy
OPEN_BYTES = 1 << 20  # opening a file costs about as much as reading this much of it
_BATCH_BYTES, _BATCH_ROWS = 4 << 20, 500


@dataclass(frozen=True)
class Feed:
    """One location of a source with the way to read it. It is sent to the executors."""

    name: str
    location: Location
    format: str
    config: SourceConfig
    most_bytes: int
    number: int = 0  # of the location among those of its source, whose files may have equal names

    @property
    def rules(self) -> Rules:
        return Rules(self.name, self.config.defaults, self.config.licences)

    @property
    def own(self) -> pa.Schema:
        """Columns of the source that `where` names."""
        return own_columns(self.location, self.config.where) if self.config.where else pa.schema([])

    @property
    def inputs(self) -> list[dict[str, object]]:
        """What the manifest says of the inputs: files, and how they are read."""
        said: dict[str, object] = {"as": self.name, "format": self.format}
        if self.location.split:
            said["split"] = self.location.split
        return [{**one, **said} for one in self.location.inputs]


@dataclass(frozen=True)
class Task:
    """A part of a file: the records that begin in bytes [start, stop); stop -1 is the end."""

    path: str
    name: str
    start: int
    stop: int


def open_feed(name: str, path: str, config: SourceConfig, most_bytes: int, number: int = 0) -> Feed:
    """The location with its format, given or told by the fields. Raises UserError where it cannot be used."""
    location = locate(path, config.split)
    label = (
        _conversation_style(path, location, config) if config.set == SFT else _layout(path, location, config)
    )
    return Feed(name, replace(location, sample=()), label, config, most_bytes, number)


def _layout(path: str, location: Location, config: SourceConfig) -> str:
    if config.format not in layouts.FORMATS:
        raise UserError(
            f"format={config.format} is one of conversations; {storage.redact(path)} feeds {config.set}."
        )
    label = config.format
    if label == layouts.AUTO:
        label = formats_of(location) or (layouts.PLAIN if "text" in config.columns else "")
    if not label:
        raise UserError(without_text(path, location.schema.names))
    layout = layouts.find(label, config.columns)
    texts = layout.fields["text"]
    if not any(
        name == text or text.startswith(f"{name}.") for name in location.schema.names for text in texts
    ):
        raise UserError(without_text(path, location.schema.names, " or ".join(texts)))
    return label


def _conversation_style(path: str, location: Location, config: SourceConfig) -> str:
    if location.is_stage:
        raise UserError(
            f"{path} holds documents and no conversations; a source of the set sft takes the data itself."
        )
    if config.format not in registry.FORMATS:
        raise UserError(
            f"format={config.format} is no style of conversations; they are {', '.join(registry.FORMATS)}."
        )
    if not set(location.schema.names) & registry.FIELDS:
        raise UserError(
            f"{storage.redact(path)} holds no conversations of a known style; "
            f"its columns are {', '.join(location.schema.names) or 'none'}."
        )
    return config.format


def without_text(path: str, columns: Sequence[str], wanted: str = "text") -> str:
    """The sentence about a file that has no texts."""
    if not columns:
        return f"{storage.redact(path)} has no column '{wanted}'; none of its lines is a JSON object."
    there = ", ".join(columns)
    return (
        f"{storage.redact(path)} has no column '{wanted}'; its columns are {there}. "
        "Name the one that holds the text: input.NAME.columns.text=COLUMN."
    )


def tasks(location: Location) -> list[Task]:
    """The files in parts: large Parquet files and plain files of lines by byte ranges, others as a whole."""
    made, most = [], task_bytes(location)
    for file in location.files:
        cut = file.bytes > most and _is_divisible(location.container, file.path)
        starts = range(0, file.bytes, most) if cut else (0,)
        for start in starts:
            stop = start + most if cut and start + most < file.bytes else -1
            made.append(Task(file.path, file.name, start, stop))
    return made


def task_bytes(location: Location) -> int:
    """How much of this source a task reads: told by the input alone."""
    return min(TASK_BYTES, max(LEAST_TASK_BYTES, _weight(location) // TASKS))


def _weight(location: Location) -> int:
    return sum(OPEN_BYTES + max(file.bytes, 0) for file in location.files)


def _is_divisible(container: str, path: str) -> bool:
    if container == JSON:
        return not is_compressed(path) and not is_objects(path)
    return container == PARQUET


def grouped(location: Location) -> list[list[Task]]:
    """The tasks in order, several small files together: by the input alone, never by the cores."""
    sizes = {file.path: file.bytes for file in location.files}
    found: list[list[Task]] = []
    most = filled = task_bytes(location)
    for task in tasks(location):
        weight = OPEN_BYTES + min(max(sizes[task.path], 0), most)
        if filled + weight > most:
            found.append([])
            filled = 0
        found[-1].append(task)
        filled += weight
    return found


def rows(feed: Feed, task: Task) -> Iterator[dict[str, Any]]:
    """The rows of a task: the columns of `ROWS`, and under `own` those that the source's condition names."""
    layout = None if feed.config.set == SFT else layouts.find(feed.format, feed.config.columns)
    by_rows = feed.location.container != JSON
    own = feed.own
    for record in _records(feed, task, layout):
        place = Place(task.name, record.offset, by_rows)
        if record.value is None:
            made: Iterator[dict[str, Any]] = iter([failed(place, feed.rules, record.reason)])
        elif layout is None:
            made = conversation_rows(record.value, feed.format, feed.rules, place)
        else:
            made = iter([document(record.value, layout, feed.rules, place)])
        values = {field.name: coerce((record.value or {}).get(field.name), field.type) for field in own}
        for number, row in enumerate(made):
            key = record_key(feed, task.name, record.offset, number)
            yield {**row, "file": task.name, "offset": record.offset, "record": key, "own": values}


def _records(feed: Feed, task: Task, layout: layouts.Layout | None) -> Iterator[Record]:
    if feed.location.container == JSON:
        return read_json(task.path, task.start, task.stop, feed.most_bytes)
    columns = set(registry.FIELDS if layout is None else layout.top_level()) | set(feed.own.names)
    if feed.location.container == ARROW:
        return read_arrow(task.path, columns)
    return read_parquet(task.path, columns, task.start, task.stop)


def record_key(feed: Feed, file: str, offset: int, number: int) -> int:
    """64 bits that tell a record from all others of the same id."""
    words = f"{feed.name}\x1f{feed.number}\x1f{file}\x1f{offset}\x1f{number}".encode()
    return int.from_bytes(blake2b(words, digest_size=8).digest(), "big", signed=True)


def batches(found: Iterator[Mapping[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Rows as batches of bounded size: one document may be as large as a batch, and is then one alone."""
    waiting: list[Mapping[str, Any]] = []
    size = 0
    for row in found:
        waiting.append(row)
        size += len(row["text"])
        if len(waiting) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield pa.RecordBatch.from_pylist(waiting, schema=schema)
            waiting, size = [], 0
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema=schema)
