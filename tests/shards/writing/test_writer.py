from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.shards.writing.layout import ShardFile, Source
from corpus.shards.writing.writer import FILE, packed, unpacked, write_files

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string()), ("input_ids", pa.list_(pa.int32()))])


def rows(count: int) -> pa.RecordBatch:
    """Rows of ever larger texts in files 0, 1, 2, ... of 40 rows each; ids packed."""
    draw = random.Random(4)
    ids = [[draw.randrange(50_000) for _ in range(n % 90)] for n in range(count)]
    return pa.RecordBatch.from_pydict(
        {
            FILE: pa.array([n // 40 for n in range(count)], pa.int32()),
            "id": [f"{n:032x}" for n in range(count)],
            "text": ["".join(draw.choices("abcdefgh ", k=n * 7)) for n in range(count)],
            "input_ids": packed(pa.array(ids, pa.list_(pa.int32()))),
        }
    )


def plans(count: int, group_bytes: int) -> dict[int, ShardFile]:
    source = Source("stage1", "a")
    return {n: ShardFile(source, n, count, n, n, group_bytes) for n in range(count)}


@pytest.mark.parametrize("size", [1, 7, 64, 200])
def test_files_and_row_groups_do_not_follow_the_batches(size: int, tmp_path: Path) -> None:
    table = rows(200)
    batches = [table.slice(start, size) for start in range(0, 200, size)]
    whole = list(write_files([table], plans(5, 5000), str(tmp_path / "whole"), SCHEMA))
    assert list(write_files(batches, plans(5, 5000), str(tmp_path / "cut"), SCHEMA)) == whole
    assert [file.rows for file in whole] == [40] * 5
    for file in whole:
        written = pq.ParquetFile(tmp_path / "cut" / file.path)
        groups = [written.metadata.row_group(n).total_byte_size for n in range(written.num_row_groups)]
        assert len(groups) > 1 and max(groups) < 12_000
    read = pa.concat_tables([pq.read_table(tmp_path / "cut" / file.path) for file in whole])
    assert read.equals(pa.Table.from_batches([unpacked(table)]).select(SCHEMA.names))


def test_ids_are_packed_and_unpacked_without_loss_from_any_slice() -> None:
    lists = pa.array([[1, 2, 3], [], [-1, 2**31 - 1], [7]], pa.list_(pa.int32()))
    batch = pa.RecordBatch.from_pydict({"input_ids": packed(lists)})
    for start in range(4):
        for length in range(5 - start):
            found = unpacked(batch.slice(start, length)).column("input_ids")
            assert found.to_pylist() == lists.slice(start, length).to_pylist()
    assert unpacked(batch.slice(4)).column("input_ids").to_pylist() == []


def test_a_batch_without_ids_is_left_alone() -> None:
    batch = pa.RecordBatch.from_pydict({"text": ["a"]})
    assert unpacked(batch) is batch


def test_an_error_leaves_whole_files_and_no_part_of_one(tmp_path: Path) -> None:
    def cut_off() -> object:
        yield rows(60)
        raise OSError("the connection is gone")

    with pytest.raises(OSError, match="the connection is gone"):
        list(write_files(cut_off(), plans(5, 1000), str(tmp_path), SCHEMA))
    assert [path.name for path in tmp_path.rglob("*.parquet")] == ["stage1-a-00000-of-00005.parquet"]
    assert not list(tmp_path.rglob("_tmp-*"))
