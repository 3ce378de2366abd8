"""A Spark stage at work: rows of the parts that are there, and what its ledger says so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.tables import LEDGER
from corpus.status.files import File, Kept

SCRATCH = "_work"  # as the engine's Stage calls it
Ledger = Counter[tuple[str, str]]  # rows by outcome and reason


class Parts:
    """Reads the footers of a stage's Parquet files and the outcomes in its ledger, each file once."""

    def __init__(self) -> None:
        self._rows, self._ledgers = Kept(_rows), Kept(_outcomes)

    def rows(self, folder: str, files: Sequence[File]) -> dict[str, int]:
        """Rows by table, of the parts that are whole."""
        parts = [file for file in files if _is_part(file)]
        found: Counter[str] = Counter()
        for table, rows in self._rows.of(folder, parts):
            found[table.removeprefix(folder.rstrip("/") + "/")] += rows
        return dict(sorted(found.items()))

    def ledger(self, folder: str, files: Sequence[File]) -> Ledger:
        parts = [file for file in files if _is_part(file) and file.path.startswith(f"{LEDGER.name}/")]
        return sum(self._ledgers.of(folder, parts), Ledger())


def steps_done(files: Sequence[File]) -> list[str]:
    """Intermediate results that are whole, by the time at which they were."""
    marks = [file for file in files if file.path.startswith(f"{SCRATCH}/") and file.name == "_SUCCESS"]
    return [file.path.split("/")[1] for file in sorted(marks, key=lambda file: (file.changed, file.path))]


def _is_part(file: File) -> bool:
    return file.path.endswith(".parquet") and not any(
        name.startswith(("_", ".")) for name in file.path.split("/")
    )


def _rows(path: str) -> tuple[str, int]:
    with storage.open_input(path) as stream:
        return path.rpartition("/")[0], int(pq.read_metadata(stream).num_rows)


def _outcomes(path: str) -> Ledger:
    found = Ledger()
    with storage.open_input(path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=["outcome", "reason"]):
            counted = pa.table(batch).group_by(["outcome", "reason"]).aggregate([([], "count_all")])
            for row in counted.to_pylist():
                found[row["outcome"] or "", row["reason"] or ""] += row["count_all"]
    return found
