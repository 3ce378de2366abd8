"""Spark's part of the seeds job: parse files in parallel, drop repeats, write `seeds/` and the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.engine.manifest import Manifest
from corpus.engine.stage import Stage
from corpus.engine.tables import LEDGER, SEEDS
from corpus.seeds import reading
from corpus.seeds.config import SeedsConfig
from corpus.seeds.convert import Limits, convert
from corpus.seeds.planning import Task, groups, summary, tasks_of
from corpus.seeds.records import DUPLICATE, FAILURES, Candidate, Item, Origin

_BATCH = 256
_TASKS = pa.schema(
    [(name, pa.string()) for name in ("file", "name", "address", "licence", "path")]
    + [("part", pa.int32()), ("parts", pa.int32()), ("weight", pa.int64())]
)
_CANDIDATES = pa.schema([*SEEDS.schema, pa.field("reason", pa.string()), pa.field("error", pa.string())])


def run(config: SeedsConfig) -> Manifest:
    """Turn the configured inputs into the finished stage folder `config.output`."""
    files, tasks = tasks_of(config)
    stage = Stage.open("seeds", config, [file.identity() for file in files])
    if stage.finished:
        return stage.finished
    with stage.spark() as spark:
        found = decide(candidates(spark, tasks, config)).persist()
        kept = stage.write(seeds_of(found), SEEDS)
        stage.write(ledger_of(found), LEDGER)
        manifest = stage.finish(spark, records_in=found.count(), kept_rows=kept, facts=facts_of(found))
        found.unpersist()
    return manifest


def plan(config: SeedsConfig) -> str:
    """What the job would read, for --dry-run."""
    return summary(config)


def candidates(spark: SparkSession, tasks: list[Task], config: SeedsConfig) -> DataFrame:
    """All candidates: the columns of SEEDS, and `reason`, which is empty for what may be kept.

    `error` names the type of the exception behind a malformed item, and is empty elsewhere.
    """
    limits = Limits(config.least_chars, config.most_chars, config.most_file_mib << 20, config.most_per_item)

    def parse(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tasks = (Task(**row) for batch in batches for row in batch.to_pylist())
        items = (item for task in tasks for item in _items(task, limits))
        yield from _batches(found for item in items for found in convert(item, limits))

    grouped = [[astuple(task) for task in group] for group in groups(tasks)]
    rows = spark.sparkContext.parallelize(grouped, len(grouped)).flatMap(list)  # one partition per group
    df = spark.createDataFrame(rows, from_arrow_schema(_TASKS))
    return df.mapInArrow(parse, from_arrow_schema(_CANDIDATES))


def decide(found: DataFrame) -> DataFrame:
    """Repeats of a text are dropped, except the first by source, path and position. This alone decides."""
    order = ["source", "path", "item", "id", "licence"]
    repeats = Window.partitionBy(F.sha2("text", 256), "reason").orderBy(*order)
    repeated = (F.col("reason") == "") & (F.row_number().over(repeats) > 1)
    return found.withColumn("reason", F.when(repeated, F.lit(DUPLICATE)).otherwise(F.col("reason")))


def seeds_of(found: DataFrame) -> DataFrame:
    return found.where("reason = ''").drop("reason", "error")


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


def facts_of(found: DataFrame) -> dict[str, Any]:
    """Per source: candidates by outcome, kinds, licences, characters, distinct APIs; and the APIs of all.

    `errors` counts the types of the exceptions behind malformed items, over all sources.
    """
    kept = found.where("reason = ''")
    apis = kept.select("source", F.explode("apis").alias("api"))
    per_source = {
        row["source"]: row["n"]
        for row in apis.groupBy("source").agg(F.countDistinct("api").alias("n")).collect()
    }
    sources: dict[str, dict[str, Any]] = {}
    errors: Counter[str] = Counter()
    groups = found.groupBy("source", "kind", "licence", "reason", "error").agg(
        F.count("*").alias("n"), F.sum(F.length("text")).alias("c")
    )
    for row in sorted(groups.collect(), key=lambda r: tuple(str(value) for value in r)):
        entry = sources.setdefault(
            row["source"],
            {
                "kept": 0,
                "characters": 0,
                "apis": per_source.get(row["source"], 0),
                "kinds": {},
                "licences": [],
            },
        )
        if row["reason"]:
            entry.setdefault("not_kept", {}).setdefault(row["reason"], 0)
            entry["not_kept"][row["reason"]] += row["n"]
            errors.update({row["error"]: row["n"]} if row["error"] else {})
            continue
        entry["kept"] += row["n"]
        entry["characters"] += row["c"]
        entry["kinds"][row["kind"]] = entry["kinds"].get(row["kind"], 0) + row["n"]
        entry["licences"] = sorted({*entry["licences"], row["licence"] or "none stated"})
    distinct = apis.select("api").distinct().count()
    return {
        "sources": dict(sorted(sources.items())),
        "apis": distinct,
        "errors": dict(sorted(errors.items())),
    }


def _items(task: Task, limits: Limits) -> Iterator[Item]:
    origin = Origin(task.name, task.address, task.licence, task.path)
    if not task.parts:
        yield from reading.file_items(task.file, origin, limits.most_item_chars)
        return
    for number, line in enumerate(reading.container_lines(task.file, limits.most_item_chars)):
        if number % task.parts == task.part and (line.reason or line.text.strip()):
            yield reading.container_item(line, task.file, number, origin)


def _batches(found: Iterator[Candidate]) -> Iterator[pa.RecordBatch]:
    waiting: list[dict[str, Any]] = []
    for one in found:
        waiting.append(_row(one))
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
