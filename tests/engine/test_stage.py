"""A stage's folder: whole or not there, equal for equal rows, and never mixed with something else."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from corpus.engine import manifest
from corpus.engine.config import JobConfig, option
from corpus.engine.errors import DataError, UserError
from corpus.engine.ledger import ConservationError
from corpus.engine.manifest import Manifest
from corpus.engine.stage import Stage, output_schema, read_table, stage_input
from corpus.engine.tables import ID, LEDGER, TIME, UNIQUE_PAGES, URL, Column, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
# Rows that tie in the sort column and types that Arrow and Spark name differently.
TIED = Table(
    "duplicates",
    "",
    (
        ID,
        URL,
        Column("n", pa.int32(), ""),
        Column("at", TIME, ""),
        Column("words", pa.list_(pa.string()), ""),
    ),
    ("n",),
)
SQL = "id string, url string, n int, at timestamp, words array<string>"
LEDGER_SQL = "id string, url string, stage string, outcome string, reason string, agent_score float, warc string, offset bigint"
INPUTS = [{"path": "in", "bytes": 10, "sha256": "1"}]
BIG = [{"path": "in", "bytes": 200 << 20, "sha256": "1"}]  # enough for several parts


@dataclass(frozen=True, kw_only=True)
class Config(JobConfig):
    """A stage with one setting."""

    threshold: float = option("a setting", 0.5)
    input: tuple[str, ...] = option("inputs", ())


def tied(spark: SparkSession, partitions: int = 1, backwards: bool = False) -> DataFrame:
    from pyspark.sql import functions as F

    df = spark.range(600, numPartitions=partitions).select(
        F.md5(F.col("id").cast("string")).alias("id"),
        F.concat(F.lit("http://h/"), F.col("id").cast("string")).alias("url"),
        (F.col("id") % 20).cast("int").alias("n"),
        F.timestamp_seconds(F.col("id")).alias("at"),
        F.when(F.col("id") % 3 > 0, F.array(F.col("id").cast("string"), F.lit(None).cast("string"))).alias(
            "words"
        ),
    )
    return df.repartition(partitions, F.col("url")) if backwards else df


def ledger(spark: SparkSession, *outcomes: tuple[str, str]) -> DataFrame:
    rows = [
        (str(i), "u", "dedup", outcome, reason, None, None, None)
        for i, (outcome, reason) in enumerate(outcomes)
    ]
    return spark.createDataFrame(rows, LEDGER_SQL)


def pages(spark: SparkSession, count: int) -> DataFrame:
    return spark.createDataFrame(
        [(str(i), "u", "t", i) for i in range(count)], "id string, url string, text string, x int"
    )


def finished(
    spark: SparkSession, output: Path, kept: int = 2, kept_rows: int | None = None, **keys: Any
) -> Manifest:
    stage = Stage.open("dedup", Config(output=str(output), **keys), INPUTS)
    assert stage.finished is None
    written = stage.write(pages(spark, kept), UNIQUE_PAGES)
    stage.write(ledger(spark, *[("kept", "")] * kept, ("dropped", "near")), LEDGER)
    return stage.finish(spark, records_in=kept + 1, kept_rows=written if kept_rows is None else kept_rows)


def bytes_below(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def done(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished stage that the tests below only read."""
    folder = tmp_path_factory.mktemp("done") / "out"
    finished(spark, folder)
    return folder


def test_a_finished_run_holds_tables_ledger_manifest_and_marker_and_nothing_else(done: Path) -> None:
    names = {name.split("/")[0] for name in bytes_below(done)}
    assert names == {"pages", "ledger", "manifest.json", "_SUCCESS"}
    found = manifest.read(str(done))
    assert found.counts["kept"] == 2
    assert found.counts["by_reason"] == [
        {"outcome": "dropped", "reason": "near", "rows": 1},
        {"outcome": "kept", "reason": "", "rows": 2},
    ]
    digests = bytes_below(done)
    for files in found.tables.values():
        for file in files:
            assert digests[file.path] == file.sha256


def test_a_finished_run_is_adopted_and_not_made_again(done: Path) -> None:
    before = bytes_below(done)
    again = Stage.open("dedup", Config(output=str(done) + "/", max_failed_fraction=1), INPUTS)
    assert again.finished == manifest.read(str(done))
    assert bytes_below(done) == before


def test_other_settings_or_inputs_are_refused_with_the_key(done: Path) -> None:
    with pytest.raises(
        UserError, match=r"made with other settings \(threshold: 0\.5 -> 0\.6\); choose another output="
    ):
        Stage.open("dedup", Config(output=str(done), threshold=0.6), INPUTS)
    name = re.escape(str(INPUTS[0].get("path") or INPUTS[0]["table"]))
    with pytest.raises(UserError, match=f"made with other settings \\(another input {name}\\)"):
        Stage.open("dedup", Config(output=str(done)), [{**INPUTS[0], "sha256": "2"}])
    with pytest.raises(UserError, match="holds a finished dedup run"):
        Stage.open("match", Config(output=str(done)), INPUTS)


def test_the_next_stage_reads_a_table_and_its_identity(spark: SparkSession, done: Path) -> None:
    assert sorted(row["x"] for row in read_table(spark, str(done), "pages").collect()) == [0, 1]
    assert stage_input(str(done), "pages")["table"] == "dedup/pages"
    with pytest.raises(UserError, match="has no table 'seeds'"):
        stage_input(str(done), "seeds")
    with pytest.raises(UserError, match="is no finished stage"):
        read_table(spark, str(done / "pages"), "pages")


def test_a_rebuilt_but_equal_stage_has_the_same_bytes_and_identity(
    spark: SparkSession, done: Path, tmp_path: Path
) -> None:
    finished(spark, tmp_path / "out")
    here, there = bytes_below(tmp_path / "out"), bytes_below(done)
    for files in (here, there):
        assert files.pop("manifest.json") != ""  # it holds the seconds of the run
    assert here == there
    assert stage_input(str(tmp_path / "out"), "pages") == stage_input(str(done), "pages")


def test_leftovers_of_speculative_attempts_are_read_by_nobody(spark: SparkSession, tmp_path: Path) -> None:
    stage = Stage.open("dedup", Config(output=str(tmp_path)), INPUTS)
    stage.write(pages(spark, 2), UNIQUE_PAGES)
    for table in ("pages", "ledger"):
        (tmp_path / table).mkdir(exist_ok=True)
        (tmp_path / table / "_tmp-part-00000.parquet.1-ab").write_bytes(b"half a file")
    stage.write(ledger(spark, ("kept", ""), ("kept", "")), LEDGER)
    assert spark.read.parquet(str(tmp_path / "pages")).count() == 2
    assert ds.dataset(str(tmp_path / "pages"), format="parquet").count_rows() == 2
    stage.finish(spark, records_in=2, kept_rows=2)
    assert not [name for name in bytes_below(tmp_path) if "_tmp-" in name]


def test_equal_rows_give_equal_files_from_any_partitions(spark: SparkSession, tmp_path: Path) -> None:
    found = []
    for number, partitions in enumerate((1, 3, 17)):
        stage = Stage("dedup", Config(output=str(tmp_path / str(number))), BIG)
        assert stage.write(tied(spark, partitions, backwards=number > 0), TIED) == 600
        found.append(bytes_below(tmp_path / str(number)))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == stage.parts == 4
    rows = ds.dataset(str(tmp_path / "0" / "duplicates"), format="parquet").to_table()
    assert rows.schema.equals(TIED.schema)
    assert len(set(rows["id"].to_pylist())) == 600


def test_a_table_without_rows_has_a_readable_schema(spark: SparkSession, tmp_path: Path) -> None:
    stage = Stage("dedup", Config(output=str(tmp_path)), [])
    assert stage.write(tied(spark).limit(0), TIED) == 0
    df = spark.read.parquet(str(tmp_path / "duplicates"))
    assert (df.count(), df.columns) == (0, TIED.schema.names)


def test_an_open_table_lets_columns_pass_and_a_closed_one_refuses_them(spark: SparkSession) -> None:
    assert output_schema(pages(spark, 1), UNIQUE_PAGES).names == ["id", "url", "text", "x"]
    with pytest.raises(TypeError, match="table 'duplicates' does not declare the columns extra"):
        output_schema(tied(spark).selectExpr("*", "1 AS extra"), TIED)


def test_missing_and_mistyped_columns_are_refused_by_name(spark: SparkSession) -> None:
    with pytest.raises(TypeError, match="table 'duplicates' lacks the declared column 'url'"):
        output_schema(tied(spark).drop("url"), TIED)
    with pytest.raises(TypeError, match="column 'n' of table 'duplicates' is bigint, declared is int"):
        output_schema(tied(spark).selectExpr("id", "url", "CAST(n AS bigint) n", "at", "words"), TIED)


def test_a_column_that_only_orders_the_rows_is_not_written(spark: SparkSession) -> None:
    ordered = Table("pages", "", (ID, URL), ("position",))
    df = tied(spark).selectExpr("id", "url", "n AS position")
    assert output_schema(df, ordered).names == ["id", "url"]


def test_what_an_unfinished_run_left_is_cleared(spark: SparkSession, tmp_path: Path) -> None:
    Stage.open("dedup", Config(output=str(tmp_path)), INPUTS).write(pages(spark, 5), UNIQUE_PAGES)
    (tmp_path / "pages" / "part-00077.parquet").write_bytes(b"stale")
    (tmp_path / "manifest.json").write_text("{}")
    made = finished(spark, tmp_path, kept=2)
    assert made.rows("pages") == 2
    assert read_table(spark, str(tmp_path), "pages").count() == 2


def test_a_stage_that_can_go_on_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "part-0.parquet").write_bytes(b"done before")
    Stage.open("dedup", Config(output=str(tmp_path)), INPUTS, keep_unfinished=True)
    assert (tmp_path / "pages" / "part-0.parquet").exists()


@pytest.mark.parametrize("name", ["thesis.tex", "photos/me.jpg", ".git/HEAD", "part-0.parquet"])
def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("dear")
    with pytest.raises(
        UserError, match=f"holds files of something else \\({name}\\); choose an empty output="
    ):
        Stage.open("dedup", Config(output=str(tmp_path)), INPUTS)
    assert (tmp_path / name).read_text() == "dear"


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("dear")
    with pytest.raises(UserError, match="is a file; output= names a folder"):
        Stage.open("dedup", Config(output=str(tmp_path / "out")), INPUTS)


def test_a_run_that_lost_its_folder_to_a_later_process_publishes_nothing(
    spark: SparkSession, tmp_path: Path, repository: Path
) -> None:
    first = Stage.open("dedup", Config(output=str(tmp_path)), INPUTS)
    first.write(pages(spark, 2), UNIQUE_PAGES)
    first.write(ledger(spark, ("kept", ""), ("kept", "")), LEDGER)
    later = "import sys; from corpus.engine import claim; claim.take(sys.argv[1])"
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    subprocess.run([sys.executable, "-c", later, str(tmp_path)], env=environment, timeout=60, check=True)
    with pytest.raises(UserError, match="another run has taken over"):
        first.finish(spark, records_in=2, kept_rows=2)
    assert not manifest.is_finished(str(tmp_path))


def test_counts_that_do_not_add_up_publish_nothing(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ConservationError, match="the ledger keeps 2 records, but the table has 1 rows"):
        finished(spark, tmp_path, kept_rows=1)
    assert not manifest.is_finished(str(tmp_path))


def test_an_empty_result_is_an_error_of_the_data_and_leaves_the_ledger_to_read(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="nothing was kept of 1 records, most were dropped for 'near'"):
        finished(spark, tmp_path, kept=0)
    assert not manifest.is_finished(str(tmp_path))
    assert spark.read.parquet(str(tmp_path / "ledger")).count() == 1


def test_secrets_in_addresses_do_not_reach_the_manifest(spark: SparkSession, tmp_path: Path) -> None:
    finished(spark, tmp_path, input=("s3://key:secret@bucket/a?token=secret",))
    text = (tmp_path / "manifest.json").read_text()
    assert json.loads(text)["config"]["input"] == ["s3://bucket/a"]
    assert "secret" not in text


def test_relative_outputs_mean_the_same_for_every_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Stage("dedup", Config(output="out/"), INPUTS).folder == f"{tmp_path}/out"
