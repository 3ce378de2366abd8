"""Spark's part of the harvest: what lies where, level by level what is taken, tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.crawl.cascade import FAILURES
from corpus.crawl.index.stage import check_where, cut, selected_rows
from corpus.crawl.index.work import Index
from corpus.crawl.inputs.given import Given, find_given
from corpus.crawl.inputs.ranges import ROWS as INDEX_ROWS
from corpus.crawl.inputs.sources import Archive
from corpus.crawl.inputs.tasks import TASKS, archives_in, tasks_of
from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest
from corpus.engine.session import get_session
from corpus.engine.stage import SCRATCH, Stage
from corpus.engine.tables import HARVESTED_SEEDS, LEDGER
from corpus.harvest.config import HarvestConfig
from corpus.harvest.levels.stage import PLACE, Contents, decide, harvest, with_repeats
from corpus.harvest.pages import CONTENT, NO_PAGES, PLACED, ROWS, UNREADABLE, Reading, place_row, row_batches
from corpus.harvest.selection import narrowed
from corpus.harvest.starts import Starts, read_starts


def run(config: HarvestConfig) -> Manifest:
    """Harvest the starts into the finished stage folder `config.output`; `seeds/` holds the pages."""
    starts, given = starts_of(config), find_given(config)
    stage = Stage.open("harvest", config, [starts.identity(), *(file.identity() for file in given.files)])
    if stage.finished:
        return stage.finished
    reading = Reading.of(config, starts)
    with stage.spark() as spark:
        known, contents = (
            _of_index(spark, narrowed(given.index, starts, config.levels), stage, reading)
            if given.index
            else _of_archives(spark, given, stage, reading)
        )
        known = stage.scratch(with_repeats(known), "known")
        taken, found = harvest(known, contents, stage, config)
        decided = stage.scratch(decide(known, taken, found), "decided")
        kept = stage.write(seeds_of(decided, starts), HARVESTED_SEEDS)
        stage.write(ledger_of(decided), LEDGER)
        facts = facts_of(decided, starts)
        _tell_empty(facts)
        return stage.finish(spark, records_in=decided.count(), kept_rows=kept, facts=facts)


def plan(config: HarvestConfig) -> str:
    """What the job would read, for --dry-run."""
    starts, given = starts_of(config), find_given(config)
    lines = given.plan()
    if given.index:
        index = narrowed(given.index, starts, config.levels)
        check_where(get_session("harvest", config.master), index)
        lines = Given([], index).plan()
    lines += [f"start   {start.url} as {start.source}: {', '.join(start.prefixes)}" for start in starts.all]
    return "\n".join([*lines, f"levels  {config.levels}", f"write   {config.output}/{HARVESTED_SEEDS.name}"])


def starts_of(config: HarvestConfig) -> Starts:
    return read_starts(config.start, source=config.source, kind=config.kind, licence=config.licence)


def _of_archives(
    spark: SparkSession, given: Given, stage: Stage, reading: Reading
) -> tuple[DataFrame, Contents]:
    """Whole archives are read once: pages of the sites are extracted as they come by."""
    everything = stage.scratch(read_all(spark, given.archives, reading), "read")
    _require_all(everything)

    def contents(wanted: DataFrame, number: int) -> DataFrame:  # noqa: ARG001 - the levels share one reading
        return everything.select(*PLACE, *CONTENT.names).join(wanted.select(*PLACE), PLACE, "left_semi")

    bad = F.col("reason").isin(*sorted(NO_PAGES))
    columns = {"full": F.col("warc"), "length": F.lit(0).cast("bigint"), "bad": bad}
    return everything.withColumns(columns).select("id", *PLACED.names, *columns), contents


def _of_index(
    spark: SparkSession, index: Index, stage: Stage, reading: Reading
) -> tuple[DataFrame, Contents]:
    """Of an index, a level's records are fetched when it is their turn, and no others."""
    check_where(spark, index)
    schema = pa.schema([*PLACED, pa.field("full", pa.string()), pa.field("length", pa.int64())])
    starts = reading.starts

    def place(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [
                {
                    **place_row(row["url"], row["warc"], row["offset"], row["reason"], starts),
                    "full": row["warc"],
                    "length": row["length"],
                }
                for row in batch.to_pylist()
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=schema)

    rows = selected_rows(spark, index).select(*INDEX_ROWS.names)
    known = rows.mapInArrow(place, from_arrow_schema(schema))

    def contents(wanted: DataFrame, number: int) -> DataFrame:
        columns = {"warc": F.col("full"), "reason": F.lit("")}
        rows = wanted.withColumns(columns).select(*INDEX_ROWS.names)
        place = storage.join(stage.folder, SCRATCH, f"selection-{number}")
        pieces = cut(spark, rows, index, place, spark.sparkContext.defaultParallelism)
        found = stage.scratch(read_all(spark, pieces, reading), f"fetched-{number}")
        _require_all(found)
        return found.select(*PLACE, *CONTENT.names)

    unread = {"id": F.lit(None).cast("string"), "bad": F.lit(False)}
    return known.withColumns(unread), contents


def read_all(spark: SparkSession, archives: Sequence[Archive], reading: Reading) -> DataFrame:
    """ROWS of all response records, one task per archive."""

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return row_batches(archives_in(batches), reading)

    rows = tasks_of(archives)
    tasks = spark.sparkContext.parallelize(rows, max(len(rows), 1))
    return spark.createDataFrame(tasks, from_arrow_schema(TASKS)).mapInArrow(read, from_arrow_schema(ROWS))


def seeds_of(decided: DataFrame, starts: Starts) -> DataFrame:
    """The kept rows in the columns of HARVESTED_SEEDS. A start's licence goes before the page's own."""
    spark = decided.sparkSession
    about = [(n, s.source, s.kind, s.licence, s.url) for n, s in enumerate(starts.all)]
    columns_of = "by int, source string, kind string, stated string, start_url string"
    names = spark.createDataFrame(about, columns_of)
    kept = decided.where("reason = ''").join(F.broadcast(names), "by")
    columns: dict[str, Column] = {
        "title": F.coalesce("title", F.lit("")),
        "licence": F.coalesce("stated", "stated_licence"),
        "apis": F.array().cast("array<string>"),
        "path": F.col("warc"),
        "start": F.col("start_url"),
    }
    made = kept.withColumns(columns)
    for field in from_arrow_schema(HARVESTED_SEEDS.schema):
        if field.name not in made.columns:
            made = made.withColumn(field.name, F.lit(None).cast(field.dataType))
    return made.select(*HARVESTED_SEEDS.schema.names)


def ledger_of(decided: DataFrame) -> DataFrame:
    failed = F.col("reason").isin(*sorted(FAILURES))
    outcome = F.when(F.col("reason") == "", "kept").when(failed, "failed").otherwise("dropped")
    nothing = F.lit(None).cast("float").alias("agent_score")
    stage = F.lit("harvest").alias("stage")
    return decided.select("id", "url", stage, outcome.alias("outcome"), "reason", nothing, "warc", "offset")


def facts_of(decided: DataFrame, starts: Starts) -> dict[str, Any]:
    """Per start: pages taken and kept in each level, characters, and why the others were not kept."""
    found: list[dict[str, Any]] = [
        {"url": s.url, "source": s.source, "levels": {}, "kept": 0, "characters": 0, "not_kept": {}}
        for s in starts.all
    ]
    groups = decided.where("level is not null").groupBy("by", "level", "reason")
    counted = groups.agg(F.count("*").alias("n"), F.sum(F.length("text")).alias("c")).collect()
    for row in sorted(counted, key=lambda r: (r["by"], r["level"], r["reason"])):
        entry = found[row["by"]]
        level = entry["levels"].setdefault(str(row["level"]), {"pages": 0, "kept": 0})
        level["pages"] += row["n"]
        if row["reason"]:
            entry["not_kept"][row["reason"]] = entry["not_kept"].get(row["reason"], 0) + row["n"]
            continue
        level["kept"] += row["n"]
        entry["kept"] += row["n"]
        entry["characters"] += row["c"] or 0
    return {"starts": found}


def _tell_empty(facts: dict[str, Any]) -> None:
    empty = [entry["url"] for entry in facts["starts"] if not entry["levels"]]
    if empty:
        print(
            f"{len(empty):,} starts have no page in this crawl: {', '.join(empty[:5])}"
            f"{', ...' if len(empty) > 5 else ''}",
            file=sys.stderr,
        )


def _require_all(rows: DataFrame) -> None:
    """Raise UserError where an archive could not be read: seeds of the rest are not those asked for."""
    failed = sorted(row["url"] for row in rows.where(F.col("aside") == UNREADABLE).select("url").collect())
    if failed:
        more = f" (and {len(failed) - 1:,} more archives)" if len(failed) > 1 else ""
        raise UserError(f"{failed[0].rstrip('.')}{more}; run the same command again.")
