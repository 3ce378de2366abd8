"""Spark's part of reading the crawl once, and of scoring it in every round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.crawl.cascade import FAILURES
from corpus.crawl.index.stage import select
from corpus.crawl.inputs.given import find_given
from corpus.crawl.inputs.sources import Archive
from corpus.crawl.inputs.tasks import TASKS, archives_in, tasks_of
from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest
from corpus.engine.stage import SCRATCH, Stage, read_table, stage_input
from corpus.engine.tables import LEDGER, LIGHT, SCORED
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.model import AgentClassifier
from corpus.relevance.rows import choose_archives
from corpus.rounds.config import LightConfig, ScoreConfig
from corpus.rounds.scores.light import (
    LIGHT_ROWS,
    UNREADABLE,
    ledger_batches,
    light_batches,
    score_batches,
)


def read_light(config: LightConfig, training: ClassifierConfig) -> Manifest:
    """The light pages of the crawl, or of a sample of its archives: the one that `training` would read."""
    given = find_given(config)
    archives = choose_archives(given.archives, training)
    files = given.index.files if given.index else [archive.file for archive in archives]
    stage = Stage.open("light", config, [file.identity() for file in files])
    if stage.finished:
        return stage.finished
    with stage.spark() as spark:
        if given.index:
            pieces = select(spark, given.index, storage.join(stage.folder, SCRATCH))
            archives = choose_archives(pieces, training)
        rows = stage.scratch(light_rows(spark, archives, config), "rows")
        _require_all(rows)
        kept = stage.write(rows.where("reason = ''").drop("reason"), LIGHT)
        stage.write(ledger_of(rows), LEDGER)
        return stage.finish(spark, records_in=rows.count(), kept_rows=kept, facts={"archives": len(archives)})


def light_rows(spark: SparkSession, archives: Sequence[Archive], config: LightConfig) -> DataFrame:
    """LIGHT_ROWS of all response records, one task per archive."""
    seconds, words = config.page_seconds, config.min_words

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return light_batches(archives_in(batches), seconds=seconds, min_words=words)

    rows = tasks_of(archives)
    tasks = spark.sparkContext.parallelize(rows, max(len(rows), 1))
    df = spark.createDataFrame(tasks, from_arrow_schema(TASKS))
    return df.mapInArrow(read, from_arrow_schema(LIGHT_ROWS))


def score_light(config: ScoreConfig) -> Manifest:
    """The scores of the light pages under a classifier; all of them are kept, whatever they are."""
    classifier = manifest.read(config.classifier)
    inputs = [stage_input(config.pages, LIGHT.name), _by_content(classifier)]
    stage = Stage.open("scores", config, inputs)
    if stage.finished:
        return stage.finished
    folder, threshold = storage.absolute(config.classifier), AgentClassifier.load(config.classifier).threshold

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return score_batches(batches, folder, threshold)

    with stage.spark() as spark:
        light = read_table(spark, config.pages, LIGHT.name)
        scored = light.mapInArrow(score, from_arrow_schema(SCORED.schema))
        return _publish(stage, spark, scored, light.count(), threshold)


def score_by_filter(config: ScoreConfig) -> Manifest:
    """The scores that a filter's ledger tells of all pages of the crawl that could be read."""
    stage = Stage.open("scores", config, [stage_input(config.pages, LEDGER.name)])
    if stage.finished:
        return stage.finished
    threshold = AgentClassifier.load(config.classifier).threshold

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return ledger_batches(batches, threshold)

    with stage.spark() as spark:
        ledger = read_table(spark, config.pages, LEDGER.name)
        pages = ledger.where("agent_score is not null or reason = 'prefilter'")
        columns = ("id", "url", "agent_score", "warc", "offset")
        scored = pages.select(*columns).mapInArrow(score, from_arrow_schema(SCORED.schema))
        return _publish(stage, spark, scored.where("key <> ''"), None, threshold)


def filter_of(folders: Sequence[str], classifier: str) -> str:
    """The finished filter stage that used the classifier in a folder; empty where there is none."""
    wanted = manifest.read(classifier).digest()
    for folder in folders:
        found = manifest.read(folder)
        if found.stage != "filter":
            raise UserError(f"scored={folder} is a finished {found.stage} stage, not one of jobs/filter.py.")
        if any(i.get("path") == "classifier" and i.get("sha256") == wanted for i in found.inputs):
            return folder
    return ""


def ledger_of(rows: DataFrame) -> DataFrame:
    failed = F.col("reason").isin(*sorted(FAILURES))
    outcome = F.when(F.col("reason") == "", "kept").when(failed, "failed").otherwise("dropped")
    nothing = F.lit(None).cast("float").alias("agent_score")
    stage = F.lit("light").alias("stage")
    return rows.select("id", "url", stage, outcome.alias("outcome"), "reason", nothing, "warc", "offset")


def _publish(
    stage: Stage, spark: SparkSession, scored: DataFrame, records: int | None, threshold: float
) -> Manifest:
    kept = stage.write(scored, SCORED)
    written = spark.read.parquet(storage.spark_path(storage.join(stage.folder, SCORED.name)))
    said = {"stage": F.lit("scores"), "outcome": F.lit("kept"), "reason": F.lit("")}
    stage.write(written.withColumns(said).select(*LEDGER.schema.names), LEDGER)
    facts = {"threshold": threshold}
    return stage.finish(spark, records_in=kept if records is None else records, kept_rows=kept, facts=facts)


def _by_content(classifier: Manifest) -> dict[str, Any]:
    return {"path": "classifier", "bytes": 0, "sha256": classifier.digest()}


def _require_all(rows: DataFrame) -> None:
    """Raise UserError where an archive could not be read: what it holds would seem to be missing."""
    failed = sorted(row["url"] for row in rows.where(F.col("reason") == UNREADABLE).select("url").collect())
    if failed:
        more = f" (and {len(failed) - 1:,} more archives)" if len(failed) > 1 else ""
        raise UserError(f"{failed[0].rstrip('.')}{more}; run the same command again.")
