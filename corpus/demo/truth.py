"""The planted truth of the demo crawl: one row for each response record, and how it is read and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# What a right filter does with a record: the page goes on, is dropped with a reason, cannot be read (a row
# with outcome `failed`), or is lost with a damaged stretch of the archive, which the table `files` reports.
OUTCOMES = ("kept", "dropped", "failed", "damaged")
LABELS = ("agent", "general", "spam", "broken")


@dataclass(frozen=True)
class TruthRow:
    """One planted response record. `jaccard` is that of the word 5-grams of the two plain texts.

    `benchmark_item` is the item of the demo's benchmark that the page holds, `secret` the type of what is to
    be replaced in it.
    """

    url: str
    warc: str
    record_id: str
    host: str
    label: str
    genre: str
    language: str
    charset: str
    expected: str
    split: str
    duplicate_of: str | None = None
    relation: str | None = None
    jaccard: float | None = None
    note: str = ""
    benchmark_item: str | None = None
    secret: str | None = None


@dataclass(frozen=True)
class CrawlTruth:
    """All rows, in the order of the files; `texts` has the plain text of each page, by URL."""

    rows: tuple[TruthRow, ...]
    files: tuple[str, ...]
    texts: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


SCHEMA = pa.schema(
    [
        pa.field(name, pa.float64() if name == "jaccard" else pa.string())
        for name in TruthRow.__dataclass_fields__  # the columns are the fields, in their order
    ]
)


def write_truth(path: Path, rows: Sequence[TruthRow]) -> None:
    """Write the rows as one Parquet file; equal rows give equal bytes."""
    pq.write_table(pa.Table.from_pylist([vars(row) for row in rows], schema=SCHEMA), path, compression="zstd")


def read_truth(path: Path) -> CrawlTruth:
    """Read `truth.parquet` back (without the plain texts)."""
    rows = tuple(TruthRow(**row) for row in pq.read_table(path).to_pylist())
    return CrawlTruth(rows, tuple(sorted({row.warc for row in rows})))
