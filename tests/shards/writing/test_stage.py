"""Tokenising and writing on Spark: the bytes follow from the documents alone."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from corpus.engine.config import build
from corpus.engine.stage import Stage
from corpus.engine.tables import INPUT_IDS, SHARDS
from corpus.shards.config import ShardConfig
from corpus.shards.tokenising import finding
from corpus.shards.tokenising.stage import Encode, bounded_batches, tokenise
from corpus.shards.tokenizer import load
from corpus.shards.writing.stage import write_sets
from tests.shards.test_tokenizer import TEXTS

pytestmark = pytest.mark.spark

TABLE = SHARDS.plus(SHARDS.doc, INPUT_IDS)
SETS = [("stage1", "agent"), ("stage1", "code"), ("heldout", "agent")]
LONG = "a document of many words that nobody reads to its end\n" * 4000


def documents(count: int) -> list[dict[str, Any]]:
    """Documents of very different lengths, a long one and an empty one among them; mostly in stage1/agent."""
    draw = random.Random(6)
    found = []
    for number in range(count):
        of, mix = SETS[0] if number % 5 else SETS[1 + number % 2]
        text = " ".join(draw.choices(TEXTS[:4], k=draw.randrange(1, 60)))
        text = LONG if number == 7 else "" if number == 9 else text
        row: dict[str, Any] = dict.fromkeys(SHARDS.schema.names)
        row |= {"id": hashlib.md5(str(number).encode()).hexdigest(), "text": text, "url": f"u{number}"}
        found.append({**row, "set": of, "mix": mix, "repetition": 0})
    return found


def frame(spark: SparkSession, rows: Sequence[dict[str, Any]], partitions: int) -> DataFrame:
    """The rows in this order and in this number of partitions, with their places."""
    fields = [field for field in SHARDS.schema if field.name != "num_tokens"]
    schema = pa.schema([*fields, ("set", pa.string()), ("mix", pa.string())])
    cut = spark.createDataFrame(pa.Table.from_pylist(list(rows), schema=schema)).coalesce(1)
    spread = cut if partitions == 1 else cut.repartition(partitions, "url")
    return spread.withColumn("position", F.xxhash64("id", F.lit(3)))


class Written:
    """The documents tokenised and written, with small files and row groups."""

    def __init__(self, spark: SparkSession, folder: Path, rows: DataFrame, tokenizer: str) -> None:
        config = {"input": {"a": "x"}, "output": str(folder)}
        self.stage = Stage.open("shard", build(ShardConfig, config), [])
        with bounded_batches(spark):
            encoded = tokenise(rows, Encode(tokenizer, load(tokenizer).sha256))
            self.files = write_sets(self.stage, encoded, TABLE, file_bytes=60_000, group_bytes=9000)
        self.folder = folder

    def bytes(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*.parquet")
        }

    def read(self, folder: str) -> pa.Table:
        listed = [pq.read_table(self.folder / file.path) for file in self.stage.tables[folder]]
        return pa.concat_tables(listed)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("tokenizer"))
    finding.resolve("bpe:512", TEXTS, folder)
    return folder


@pytest.fixture(scope="module")
def written(spark: SparkSession, tokenizer: str, tmp_path_factory: pytest.TempPathFactory) -> Written:
    rows = frame(spark, documents(400), 3)
    return Written(spark, tmp_path_factory.mktemp("three"), rows, tokenizer)


@pytest.mark.parametrize("partitions", [1, pytest.param(17, marks=pytest.mark.slow)])
def test_bytes_do_not_follow_partitions_or_the_order_of_the_input(
    partitions: int, written: Written, spark: SparkSession, tokenizer: str, tmp_path: Path
) -> None:
    shuffled = random.Random(partitions).sample(documents(400), 400)
    again = Written(spark, tmp_path, frame(spark, shuffled, partitions), tokenizer)
    assert len(written.bytes()) > 5
    assert again.bytes() == written.bytes()
    assert again.stage.tables == written.stage.tables


def test_what_the_stage_lists_is_what_lies_there(written: Written) -> None:
    there = written.bytes()
    listed = {file.path: file for files in written.stage.tables.values() for file in files}
    assert set(listed) == set(there) == {file.path for file in written.files}
    for path, data in there.items():
        assert (listed[path].bytes, listed[path].sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert set(written.stage.tables) == {"/".join(pair) for pair in SETS}


def test_rows_are_a_permutation_of_the_documents(written: Written) -> None:
    wanted = {(row["set"], row["mix"], row["id"], row["text"]) for row in documents(400)}
    found = [
        (*folder.split("/"), *pair)
        for folder in written.stage.tables
        for pair in zip(*written.read(folder).select(["id", "text"]).to_pydict().values())
    ]
    assert len(found) == 400 and set(found) == wanted


def test_the_order_goes_on_from_file_to_file(written: Written, spark: SparkSession) -> None:
    assert len(written.stage.tables["stage1/agent"]) > 3
    for folder in written.stage.tables:
        ids = written.read(folder)["id"].to_pylist()
        places = spark.createDataFrame([(i,) for i in ids], "id string")
        place_of = dict(places.select("id", F.xxhash64("id", F.lit(3))).collect())
        assert [place_of[i] for i in ids] == sorted(place_of[i] for i in ids)
        assert ids != sorted(ids)


def test_row_groups_and_files_have_about_their_bytes(written: Written) -> None:
    files = [file for file in written.files if file.source.folder == "stage1/agent"]
    sizes = []
    for file in files:
        parts = pq.ParquetFile(written.folder / file.path)
        table = parts.read()
        sizes.append(table.nbytes if "x" * 0 == "" and LONG not in table["text"].to_pylist() else 0)
        assert parts.metadata.num_row_groups >= 2
    assert max(sizes) < 1.5 * 60_000 and min(size for size in sizes if size) > 0.4 * 60_000


def test_ids_are_those_of_the_texts(written: Written, tokenizer: str) -> None:
    tok = load(tokenizer)
    table = written.read("stage1/agent")
    texts, ids = table["text"].to_pylist(), table["input_ids"].to_pylist()
    assert table.schema.field("input_ids").type == pa.list_(pa.int32())
    assert ids == tok.encode(texts).to_pylist()
    assert table["num_tokens"].to_pylist() == [len(found) if text else 0 for text, found in zip(texts, ids)]
    assert max(table["num_tokens"].to_pylist()) > 40_000


def test_nothing_to_write_is_no_file(written: Written, spark: SparkSession) -> None:
    empty = frame(spark, documents(3), 1).where("false").withColumn("num_tokens", F.lit(0))
    assert write_sets(written.stage, empty, SHARDS, file_bytes=1000, group_bytes=1000) == []


def test_texts_alone_are_written_where_no_ids_are_wanted(
    spark: SparkSession, tokenizer: str, tmp_path: Path
) -> None:
    stage = Stage.open("shard", build(ShardConfig, {"input": {"a": "x"}, "output": str(tmp_path)}), [])
    encoded = tokenise(
        frame(spark, documents(20), 1), Encode(tokenizer, load(tokenizer).sha256, with_ids=False)
    )
    write_sets(stage, encoded, SHARDS, file_bytes=60_000, group_bytes=9000)
    table = pq.read_table(tmp_path / stage.tables["stage1/agent"][0].path)
    assert "input_ids" not in table.column_names
    wanted = [len(ids) for ids in load(tokenizer).encode(table["text"].to_pylist()).to_pylist()]
    empty = [not text for text in table["text"].to_pylist()]
    assert table["num_tokens"].to_pylist() == [0 if none else n for n, none in zip(wanted, empty)]
