"""The part writer: bytes follow from the rows alone, and nothing half-written is ever seen."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from corpus.engine import parquet
from corpus.engine.manifest import OutputFile
from corpus.engine.parquet import PartWriter, row_bytes
from corpus.engine.tables import DAMAGE, TIME

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("n", pa.int32()),
        pa.field("flag", pa.bool_()),
        pa.field("at", TIME),
        pa.field("words", pa.list_(pa.string())),
        pa.field("damaged", pa.list_(DAMAGE)),
    ]
)


def rows(count: int) -> pa.Table:
    """Rows of very different sizes; nulls only in the second half, so that batches differ in having any."""
    draw = np.random.default_rng(7)
    out = []
    for i in range(count):
        half = i >= count // 2
        out.append(
            {
                "id": None if half and i % 5 == 0 else "x" * int(draw.integers(0, 400)) + str(i),
                "n": None if half and i % 3 == 0 else i,
                "flag": bool(i % 2),
                "at": i * 1_000_000,
                "words": None if half and i % 7 == 0 else ["w" * int(k) for k in draw.integers(0, 50, i % 6)],
                "damaged": [{"start": i, "end": None, "reason": "r" * (i % 9)}] * (i % 3),
            }
        )
    return pa.Table.from_pylist(out, schema=SCHEMA)


def write(folder: Path, batches: list[pa.RecordBatch], name: str = "part-0.parquet") -> OutputFile:
    with PartWriter(str(folder), name, SCHEMA) as writer:
        for batch in batches:
            writer.write(batch)
    assert writer.result is not None
    return writer.result


def at_random(table: pa.Table, seed: int) -> list[pa.RecordBatch]:
    cuts = sorted(np.random.default_rng(seed).integers(0, table.num_rows, seed * 3))
    edges = [0, *cuts, table.num_rows]
    whole = table.combine_chunks().to_batches()[0]
    return [whole.slice(a, b - a) for a, b in pairwise(edges)]


def test_equal_rows_give_equal_bytes_whatever_the_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 60_000)
    table = rows(3000)
    results = [write(tmp_path / str(size), table.to_batches(size)) for size in (1, 7, 1000, 3000)]
    results += [write(tmp_path / f"random{seed}", at_random(table, seed)) for seed in (1, 5, 30)]
    assert len(set(results)) == 1
    assert pq.ParquetFile(tmp_path / "7" / "part-0.parquet").num_row_groups > 5
    assert pq.read_table(tmp_path / "7" / "part-0.parquet").equals(table)


def test_pages_within_a_row_group_do_not_follow_the_batches(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    texts = [draw.integers(97, 123, 1500, dtype=np.uint8).tobytes().decode() for _ in range(4000)]
    table = pa.table({name: [None] * 4000 if name != "id" else texts for name in SCHEMA.names}, schema=SCHEMA)
    assert len({write(tmp_path / str(size), table.to_batches(size)) for size in (100, 1000, 4000)}) == 1


def test_row_groups_hold_about_the_bytes_they_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 60_000)
    table = rows(2000)
    write(tmp_path, [table.combine_chunks().to_batches()[0]])
    sizes, start = row_bytes(table.combine_chunks().to_batches()[0]), 0
    file = pq.ParquetFile(tmp_path / "part-0.parquet").metadata
    for group in range(file.num_row_groups - 1):
        end = start + file.row_group(group).num_rows
        assert sizes[start : end - 1].sum() < 60_000 <= sizes[start:end].sum()
        start = end


def test_the_bytes_of_a_row_do_not_depend_on_its_neighbours() -> None:
    batch = rows(200).combine_chunks().to_batches()[0]
    alone = [int(row_bytes(batch.slice(i, 1))[0]) for i in range(200)]
    assert alone == row_bytes(batch).tolist()
    assert sum(alone) == pytest.approx(batch.nbytes, rel=0.2)


def test_different_rows_give_different_bytes(tmp_path: Path) -> None:
    table = rows(100)
    one = write(tmp_path / "a", table.to_batches())
    other = write(tmp_path / "b", table.slice(0, 99).to_batches())
    assert one.sha256 != other.sha256
    assert (one.rows, other.rows) == (100, 99)


def test_what_is_reported_is_what_lies_there(tmp_path: Path) -> None:
    result = write(tmp_path, rows(50).to_batches())
    data = (tmp_path / "part-0.parquet").read_bytes()
    assert result == OutputFile("part-0.parquet", 50, len(data), hashlib.sha256(data).hexdigest())


def test_a_file_without_rows_has_a_readable_schema(tmp_path: Path) -> None:
    assert write(tmp_path, []).rows == 0
    assert pq.read_schema(tmp_path / "part-0.parquet").equals(SCHEMA)


def test_columns_are_taken_by_name_and_cast_to_the_declared_type(tmp_path: Path) -> None:
    table = rows(5)
    mixed = table.select(SCHEMA.names[::-1]).set_column(4, "n", table["n"].cast(pa.int64()))
    write(tmp_path, mixed.to_batches())
    assert pq.read_table(tmp_path / "part-0.parquet").equals(table)


def test_an_error_inside_removes_the_temporary_and_is_the_one_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), PartWriter(str(tmp_path), "part-0.parquet", SCHEMA) as writer:
        writer.write(rows(5).to_batches()[0])
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    assert writer.result is None


def test_an_error_while_publishing_removes_the_temporary(tmp_path: Path) -> None:
    (tmp_path / "part-0.parquet").mkdir()
    (tmp_path / "part-0.parquet" / "full").write_text("a folder stands where the file should be")
    with pytest.raises(OSError), PartWriter(str(tmp_path), "part-0.parquet", SCHEMA) as writer:
        writer.write(rows(5).to_batches()[0])
    assert [p.name for p in tmp_path.iterdir()] == ["part-0.parquet"]


def test_a_later_attempt_replaces_the_file_with_the_same_bytes(tmp_path: Path) -> None:
    assert write(tmp_path, rows(20).to_batches()) == write(tmp_path, rows(20).to_batches(3))
    assert [p.name for p in tmp_path.iterdir()] == ["part-0.parquet"]


def test_a_killed_writer_leaves_nothing_that_a_reader_sees(tmp_path: Path, repository: Path) -> None:
    job = (
        "import os, signal, sys\nimport pyarrow as pa\nfrom corpus.engine.parquet import PartWriter\n"
        "schema = pa.schema([('n', pa.int64())])\n"
        "with PartWriter(sys.argv[1], 'part-0.parquet', schema) as writer:\n"
        "    writer.write(pa.RecordBatch.from_pydict({'n': [1, 2]}, schema=schema))\n"
        "    writer._flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    killed = subprocess.run(
        [sys.executable, "-c", job, str(tmp_path)], env=environment, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert [p.name.startswith("_tmp-") for p in tmp_path.iterdir()] == [True]
    assert ds.dataset(str(tmp_path), format="parquet").files == []
