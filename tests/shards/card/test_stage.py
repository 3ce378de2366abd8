"""Counts for the card on Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from corpus.engine import manifest
from corpus.engine.manifest import Manifest
from corpus.engine.parquet import PartWriter
from corpus.shards.card.composition import Group
from corpus.shards.card.stage import api_counts, groups_of

pytestmark = pytest.mark.spark


def stage(folder: Path, name: str, table: str, rows: list[dict[str, Any]], **config: Any) -> str:
    """A finished stage with one table."""
    found = pa.Table.from_pylist(rows)
    with PartWriter(str(folder / table), "part-00000.parquet", found.schema) as writer:
        for batch in found.to_batches():
            writer.write(batch)
    assert writer.result is not None
    path = f"{table}/{writer.result.path}"
    files = [manifest.OutputFile(path, writer.result.rows, writer.result.bytes, writer.result.sha256)]
    made = Manifest(name, "f", config, [], {}, {table: files}, folder=str(folder))
    manifest.write(str(folder), made)
    return str(folder)


def test_apis_are_counted_once_and_through_the_seeds_that_pages_match(
    spark: SparkSession, tmp_path: Path
) -> None:
    seeds = [
        {"id": "s1", "apis": ["a", "b"]},
        {"id": "s2", "apis": ["b", "c", "d"]},
        {"id": "s3", "apis": []},
    ]
    pages = [{"id": "p1", "match_seed_id": "s2"}, {"id": "p2", "match_seed_id": "s3"}]
    of_seeds = stage(tmp_path / "seeds", "seeds", "seeds", seeds)
    more = stage(tmp_path / "harvest", "harvest", "seeds", [{"id": "s2", "apis": ["b", "c", "d"]}])
    of_match = stage(tmp_path / "matched", "match", "pages", pages, seeds=[of_seeds, more])
    taken = [("stage1", "agent", "p1"), ("stage1", "agent", "p2"), ("stage1", "agent", "s1")]
    taken += [("stage2", "seeds", "s1"), ("heldout", "seeds", "s2"), ("stage1", "code", "s1")]
    frame = spark.createDataFrame(taken, "set string, mix string, id string")
    sources = {"agent": [of_match, of_seeds], "seeds": [of_seeds], "code": [str(tmp_path)]}
    assert api_counts(frame, sources) == {
        ("stage1", "agent"): 4,
        ("stage2", "seeds"): 2,
        ("heldout", "seeds"): 3,
    }
    assert api_counts(frame, {"code": [str(tmp_path), str(tmp_path / "gone")]}) == {}


def test_groups_count_documents_once_and_rows_with_their_copies(spark: SparkSession) -> None:
    columns = "set string, mix string, licence string, kind string, language string, num_tokens int, "
    rows = [("stage1", "a", "MIT", "text", None, 10, 40, 3), ("stage1", "a", "MIT", "text", None, 5, 20, 1)]
    frame = spark.createDataFrame(rows, columns + "text_bytes int, copies int")
    assert groups_of(frame) == [Group("stage1", "a", "MIT", "text", None, 2, 4, 35, 140)]
