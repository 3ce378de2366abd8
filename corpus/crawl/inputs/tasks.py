"""Archives as rows of Arrow, for jobs that spread them over tasks with `mapInArrow`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

import pyarrow as pa

from corpus.crawl.inputs.ranges import Selection
from corpus.crawl.inputs.sources import Archive
from corpus.engine.attempts import Access
from corpus.engine.inputs import InputFile

# `selection`: the records that an index names, as JSON; empty for whole archives
TASKS = pa.schema(
    [(name, pa.string()) for name in ("path", "name", "selection")]
    + [("bytes", pa.int64()), ("connections", pa.int32())]
)


def tasks_of(archives: Sequence[Archive]) -> list[tuple[str, str, str, int, int]]:
    """Rows of TASKS, the larger archives first, so that the last task to end is a short one."""
    ordered = sorted(archives, key=lambda archive: (-archive.file.bytes, archive.name))
    return [
        (
            archive.file.path,
            archive.name,
            json.dumps(asdict(archive.selection)) if archive.selection else "",
            archive.file.bytes,
            archive.access.connections,
        )
        for archive in ordered
    ]


def archives_in(batches: Iterable[pa.RecordBatch]) -> Iterator[Archive]:
    """The archives in rows of TASKS."""
    for batch in batches:
        for row in batch.to_pylist():
            selection = Selection(**json.loads(row["selection"])) if row["selection"] else None
            file, access = InputFile(row["path"], row["bytes"], ""), Access(connections=row["connections"])
            yield Archive(row["name"], file, selection, access)
