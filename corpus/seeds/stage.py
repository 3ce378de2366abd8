"""Spark's part of the seeds job: parse files in parallel, drop repeats, write `seeds/` and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.engine.manifest import Manifest, OutputFile, describe_file
from corpus.engine.stage import Stage
from corpus.engine.tables import LEDGER, SEEDS
from corpus.seeds import reading
from corpus.seeds.code import missing
from corpus.seeds.config import SeedsConfig
from corpus.seeds.convert import Limits, convert
from corpus.seeds.planning import Task, groups, summary, tasks_of
from corpus.seeds.records import DUPLICATE, FAILURES, Candidate, Item, Origin
from corpus.seeds.summary import Group, facts
from corpus.seeds.tokens import counter, rule

_BATCH = 256
_TASKS = pa.schema(
    [(name, pa.string()) for name in ("file", "name", "address", "licence", "path")]
    + [("part", pa.int32()), ("parts", pa.int32()), ("weight", pa.int64())]
    + [("adapter", pa.string()), ("container", pa.bool_()), ("size", pa.int64())]
)
_ADDED = ("reason", "error", "tokens")  # columns of candidates that the table of seeds has not
_CANDIDATES = pa.schema(
    [*SEEDS.schema, ("reason", pa.string()), ("error", pa.string()), ("tokens", pa.int64())]
)


def run(config: SeedsConfig) -> Manifest:
    """Turn the configured inputs into the finished stage folder `config.output`."""
    files, tasks = tasks_of(config)
    counter(config.tokenizer)  # one that cannot be read is told of before anything is done
    stage = Stage.open("seeds", config, [file.identity() for file in files])
    if stage.finished:
        return stage.finished
    written, generated, told = documented(tasks, config, stage.folder)
    with stage.spark() as spark:
        found = decide(candidates(spark, [*tasks, *written], config)).persist()
        kept = stage.write(seeds_of(found), SEEDS)
        stage.write(ledger_of(found), LEDGER)
        counts = {**facts_of(found, config), **told}
        manifest = stage.finish(
            spark, records_in=found.count(), kept_rows=kept, facts=counts, extra_files=generated
        )
        found.unpersist()
    return manifest


def plan(config: SeedsConfig) -> str:
    """What the job would read, for --dry-run."""
    return summary(config)


def candidates(spark: SparkSession, tasks: list[Task], config: SeedsConfig) -> DataFrame:
    """All candidates: the columns of SEEDS, and `reason`, which is empty for what may be kept.

    `error` names the type of the exception behind a malformed item, and is empty elsewhere; `tokens` counts
    the text.
    """
    limits = _limits(config)

    def parse(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tasks = (Task(**row) for batch in batches for row in batch.to_pylist())
        items = (item for task in tasks for item in _items(task, limits))
        found = (found for item in items for found in convert(item, limits))
        yield from _batches(found, counter(config.tokenizer))

    grouped = [[astuple(task) for task in group] for group in groups(tasks)]
    rows = spark.sparkContext.parallelize(grouped, len(grouped)).flatMap(list)  # one partition per group
    df = spark.createDataFrame(rows, from_arrow_schema(_TASKS))
    return df.mapInArrow(parse, from_arrow_schema(_CANDIDATES))


def documented(
    tasks: list[Task], config: SeedsConfig, folder: str
) -> tuple[list[Task], dict[str, list[OutputFile]], dict[str, Any]]:
    """What a model writes for functions without documentation: files, as tasks and for the manifest."""
    if not missing.require(config.document):
        return [], {}, {}
    items = (item for task in tasks for item in _items(task, _limits(config)))
    files, told = missing.write(items, config.document, folder)
    names = [f"{missing.FOLDER}/{file.path.rpartition('/')[2]}" for file in files]
    entries = [describe_file(folder, name, file.rows) for name, file in zip(names, files)]
    more = [
        Task(file.path, file.source, "", file.licence, name, 0, 1, entry.bytes)
        for name, file, entry in zip(names, files, entries)
    ]
    return more, {missing.FOLDER: entries}, {"documented": told}


def _limits(config: SeedsConfig) -> Limits:
    return Limits(config.least_chars, config.most_chars, config.most_file_mib << 20, config.most_per_item)


def decide(found: DataFrame) -> DataFrame:
    """Repeats of a text are dropped, except the first by source, path and position. This alone decides."""
    order = ["source", "path", "item", "id", "licence"]
    repeats = Window.partitionBy(F.sha2("text", 256), "reason").orderBy(*order)
    repeated = (F.col("reason") == "") & (F.row_number().over(repeats) > 1)
    return found.withColumn("reason", F.when(repeated, F.lit(DUPLICATE)).otherwise(F.col("reason")))


def seeds_of(found: DataFrame) -> DataFrame:
    return found.where("reason = ''").drop(*_ADDED)


def ledger_of(found: DataFrame) -> DataFrame:
    failed = F.col("reason").isin(*FAILURES)
    outcome = F.when(F.col("reason") == "", "kept").when(failed, "failed").otherwise("dropped")
    return found.select(
        "id",
        "url",
        F.lit("seeds").alias("stage"),
        outcome.alias("outcome"),
        "reason",
        F.lit(None).cast("float").alias("agent_score"),
        F.lit(None).cast("string").alias("warc"),
        F.lit(None).cast("bigint").alias("offset"),
    )


def facts_of(found: DataFrame, config: SeedsConfig) -> dict[str, Any]:
    """The counts of `corpus.seeds.summary`, taken from all candidates."""
    apis = found.where("reason = ''").select("source", F.explode("apis").alias("api"))
    per_source = apis.groupBy("source").agg(F.countDistinct("api").alias("n")).collect()
    keys = ("source", "kind", "licence", "reason", "error")
    sums = found.groupBy(*keys).agg(F.count("*"), F.sum(F.length("text")), F.sum("tokens")).collect()
    groups = [
        Group(*[str(value or "") for value in row[:5]], *[int(value or 0) for value in row[5:]])  # type: ignore[arg-type]
        for row in sums
    ]
    every = apis.select("api").distinct().count()
    return facts(groups, {row["source"]: row["n"] for row in per_source}, every, rule(config.tokenizer))


def _items(task: Task, limits: Limits) -> Iterator[Item]:
    origin = Origin(task.name, task.address, task.licence, task.path, task.adapter)
    if not task.container:
        parts = {"part": task.part, "parts": max(task.parts, 1), "size": task.size}
        yield from reading.file_items(task.file, origin, limits.most_item_chars, **parts)
        return
    for number, line in enumerate(reading.container_lines(task.file, limits.most_item_chars)):
        if number % task.parts == task.part and (line.reason or line.text.strip()):
            yield reading.container_item(line, task.file, number, origin)


def _batches(found: Iterator[Candidate], tokens: Callable[[str], int]) -> Iterator[pa.RecordBatch]:
    waiting: list[dict[str, Any]] = []
    for one in found:
        waiting.append({**_row(one), "tokens": 0 if one.reason else tokens(one.draft.text)})
        if len(waiting) >= _BATCH:
            yield pa.RecordBatch.from_pylist(waiting, schema=_CANDIDATES)
            waiting = []
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema=_CANDIDATES)


def _row(one: Candidate) -> dict[str, Any]:
    return {
        "id": one.id,
        "url": one.url,
        "title": one.draft.title,
        "text": one.draft.text,
        "language": one.draft.language,
        "source": one.origin.name,
        "kind": one.draft.kind,
        "licence": one.origin.licence,
        "apis": list(one.draft.apis),
        "path": one.origin.path,
        "item": one.index,
        "reason": one.reason,
        "error": one.error,
    }
