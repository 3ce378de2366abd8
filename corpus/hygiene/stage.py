"""Hygiene on DataFrames: scan for benchmark items, discount common n-grams, clean texts, write the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import expand
from corpus.engine.manifest import Manifest, OutputFile
from corpus.engine.stage import Stage, read_table, stage_input
from corpus.engine.tables import CLEAN_PAGES, CONTAMINATION, LEDGER
from corpus.hygiene import batches, benchmarks, index, indexing
from corpus.hygiene.config import HygieneConfig

_TABLES = ("pages", "seeds")


def run(config: HygieneConfig) -> Manifest:
    """Clean the inputs into `output`; returns the manifest. Raises UserError and DataError."""
    stage = Stage.open("hygiene", config, inputs_of(config))
    if stage.finished:
        return stage.finished
    facts: dict[str, Any] = {}
    files = build_index(config, stage.folder, facts) if config.benchmarks else []
    with stage.spark() as spark:
        records = read_records(spark, config.input)
        hits = find_items(records, config, stage, facts) if files else None
        cleaned = stage.scratch(clean(records, hits, config), "cleaned")
        kept = cleaned.where("_outcome = 'kept'").drop("_outcome", "_reason", "_key")
        kept_rows = stage.write(kept, CLEAN_PAGES, folder=table_name(config.input))
        if hits is not None:
            stage.write(hits.drop("key"), CONTAMINATION)
        stage.write(as_ledger(cleaned), LEDGER)
        facts |= {"redacted": count_findings(cleaned)}
        extra = {index.FOLDER: files} if files else {}
        return stage.finish(
            spark, records_in=cleaned.count(), kept_rows=kept_rows, facts=facts, extra_files=extra
        )


def plan(config: HygieneConfig) -> str:
    """What --dry-run prints."""
    found = inputs_of(config)
    lists = len(benchmarks.find(config.benchmarks))
    against = (
        f"{lists} benchmark files, contaminated texts: {config.contaminated}" if lists else "no benchmarks"
    )
    return (
        f"hygiene: {len(found) - lists} inputs -> {config.output}\n{against}\n"
        f"replaced: {', '.join(config.redact) or 'nothing'}"
    )


def inputs_of(config: HygieneConfig) -> list[Mapping[str, Any]]:
    if not config.input:
        raise UserError("input= is empty; give it a finished stage folder, or Parquet with id and text.")
    found = [item for path in config.input for item in _identify(path)]
    return found + [file.identity() for file in benchmarks.find(config.benchmarks)]


def _identify(path: str) -> list[Mapping[str, Any]]:
    if manifest.is_finished(path):
        return [stage_input(path, _table_of(path))]
    return [file.identity() for file in expand([path], suffixes=(".parquet",))]


def _table_of(folder: str) -> str:
    tables = manifest.read(folder).tables
    return next((name for name in _TABLES if name in tables), _TABLES[0])


def table_name(paths: Sequence[str]) -> str:
    """The output table bears the name that the inputs' table has, so that what reads those reads it."""
    names = {_table_of(path) if manifest.is_finished(path) else _TABLES[0] for path in paths}
    if len(names) > 1:
        raise UserError("input= mixes seeds and pages; clean them into two folders.")
    return names.pop()


def build_index(config: HygieneConfig, folder: str, facts: dict[str, Any]) -> list[OutputFile]:
    """Read the benchmarks, publish their index for the executors, and note what was read."""
    reading = benchmarks.read(benchmarks.find(config.benchmarks))
    built, counts = indexing.build(reading.parts, size=config.ngram, least_words=config.min_item_words)
    facts["benchmarks"] = {
        "records": reading.records,
        "records_without_parts": reading.without_parts,
        "records_unreadable": reading.unreadable,
        **counts,
        "indexed_by_benchmark": dict(sorted(index.items_of(built).items())),
    }
    if not built.known:
        names = ", ".join(storage.redact(path) for path in config.benchmarks)
        raise UserError(f"no record of {names} has a question or an answer that could be found in a text.")
    return index.write(folder, built)


def read_records(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """All inputs as one DataFrame with `_key`, which tells texts under one id apart."""
    frames = []
    for path in paths:
        df = read_table(spark, path, _table_of(path)) if manifest.is_finished(path) else _parquet(spark, path)
        missing = sorted({"id", "text"} - set(df.columns))
        if missing:
            lacking = " and no ".join(missing)
            raise UserError(f"{storage.redact(path)} has no column {lacking}; hygiene needs id and text.")
        frames.append(df.drop("_key", "_spans", *batches.ADDED.names))
    df = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)
    text = F.coalesce(F.col("text").cast("string"), F.lit(""))
    named = F.coalesce(F.col("id").cast("string"), F.md5(text))
    wanted = spark.sparkContext.defaultParallelism
    if df.rdd.getNumPartitions() < wanted:  # one small file would keep one core busy
        df = df.repartition(2 * wanted, "id")
    return df.withColumn("text", text).withColumns({"id": named, "_key": F.xxhash64("text")})


def _parquet(spark: SparkSession, path: str) -> DataFrame:
    files = [file.path for file in expand([path], suffixes=(".parquet",))]
    try:
        with storage.open_input(files[0]) as stream:
            pq.read_schema(stream)  # Spark would answer with a hundred lines
    except pa.ArrowException as error:
        raise UserError(f"cannot read {storage.redact(files[0])} as Parquet: {error}.") from error
    return spark.read.parquet(*(storage.spark_path(file) for file in files))


def find_items(records: DataFrame, config: HygieneConfig, stage: Stage, facts: dict[str, Any]) -> DataFrame:
    """HITS: one pass over the texts, then the discount of what turned out to be common."""
    narrow = records.select("id", F.col("_key").alias("key"), _host(records).alias("host"), "text")
    scanned = narrow.mapInArrow(batches.scan(config, stage.folder), from_arrow_schema(batches.SCANNED))
    scanned = stage.scratch(scanned, "scanned")
    common: list[int] = []
    if config.common_hosts:
        spread = scanned.select(F.explode("grams").alias("gram"), "host").groupBy("gram")
        counted = spread.agg(F.countDistinct("host").alias("hosts")).where(
            F.col("hosts") > config.common_hosts
        )
        common = sorted(row["gram"] for row in counted.select("gram").collect())
    facts["benchmarks"]["common_grams"] = len(common)
    decided = scanned.where(F.size("candidates") > 0).mapInArrow(
        batches.decide(stage.folder, common), from_arrow_schema(batches.HITS)
    )
    hits = stage.scratch(decided, "hits")
    counts = hits.groupBy("benchmark").agg(F.countDistinct("id").alias("texts")).collect()
    facts["benchmarks"]["texts_by_benchmark"] = {row["benchmark"]: row["texts"] for row in sorted(counts)}
    return hits


def _host(records: DataFrame) -> Column:
    """The host; a text that has none stands for itself."""
    own = F.col("host") if "host" in records.columns else F.lit(None).cast("string")
    address = F.regexp_extract("url", r"^[a-z]+://([^/]+)", 1) if "url" in records.columns else F.lit("")
    return F.coalesce(own, F.nullif(address, F.lit("")), F.col("id"))


def clean(records: DataFrame, hits: DataFrame | None, config: HygieneConfig) -> DataFrame:
    """The records with clean texts, outcome, reason and counts."""
    span = F.struct(F.col("start"), F.col("end"))
    if hits is None:
        spanned = records.withColumn("_spans", F.lit(None).cast("array<struct<start:bigint,end:bigint>>"))
    else:
        spans = hits.groupBy("id", F.col("key").alias("_key")).agg(
            F.sort_array(F.collect_list(span)).alias("_spans")
        )
        spanned = records.join(spans, ["id", "_key"], "left").select(*records.columns, "_spans")
    fields = [*records.schema.fields, *from_arrow_schema(batches.ADDED).fields]
    return spanned.mapInArrow(batches.clean(config), StructType(fields))


def count_findings(cleaned: DataFrame) -> dict[str, dict[str, int]]:
    """By type: how much was replaced in how many of the kept texts."""
    names = list(batches.COUNT_COLUMNS.values())
    sums = [F.sum(name).alias(name) for name in names]
    texts = [F.sum((F.col(name) > 0).cast("int")).alias(f"{name}_texts") for name in names]
    row = cleaned.where("_outcome = 'kept'").agg(*sums, *texts).first()
    found = row.asDict() if row else {}
    return {
        name: {"replaced": found.get(name) or 0, "texts": found.get(f"{name}_texts") or 0} for name in names
    }


def as_ledger(cleaned: DataFrame) -> DataFrame:
    def column(name: str, kind: str) -> Column:
        return (F.col(name) if name in cleaned.columns else F.lit(None)).cast(kind).alias(name)

    nothing = {"warc": F.lit(None).cast("string"), "offset": F.lit(None).cast("bigint")}
    verdict = [F.col(f"_{name}").alias(name) for name in ("outcome", "reason")]
    shared = cleaned.select("id", column("url", "string"), *verdict, column("agent_score", "float"))
    return shared.withColumns({"stage": F.lit("hygiene"), **nothing})
