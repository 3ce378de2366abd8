"""Counts for manifest and card with Spark, and the card's files."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.ledger import funnel
from corpus.engine.manifest import Manifest, describe_file
from corpus.engine.stage import Stage
from corpus.shards.card import lineage, readme
from corpus.shards.card.composition import Group


def groups_of(taken: DataFrame) -> list[Group]:
    """Counts of the taken documents, each of which is there `copies` times; `text_bytes` is of one copy."""
    keys = ("set", "mix", "licence", "kind", "language")
    copies = F.col("copies").cast("long")
    sums = [F.count(F.lit(1)), F.sum(copies), F.sum(copies * F.col("num_tokens"))]
    rows = taken.groupBy(*keys).agg(*sums, F.sum(copies * F.col("text_bytes"))).collect()
    return [Group(*row) for row in rows]


def api_counts(taken: DataFrame, sources: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], int]:
    """Distinct APIs of the taken documents by (set, source), where a source is a stage that knows them.

    Seeds name their APIs; a matched page stands for those of the seed that is nearest to it.
    """
    spark = taken.sparkSession
    known: list[DataFrame] = []
    for name, paths in sources.items():
        for path in paths:
            found = manifest.read(path) if _is_stage(path) else None
            apis = _apis_of_seeds(spark, found) if found else None
            if apis is None and found:
                apis = _apis_of_matches(spark, found)
            if apis is not None:
                known.append(apis.withColumn("mix", F.lit(name)))
    if not known:
        return {}
    every = reduce(DataFrame.unionByName, known).withColumn("api", F.explode("apis"))
    counted = taken.join(every.select("mix", "id", "api"), ["mix", "id"]).groupBy("set", "mix")
    rows = counted.agg(F.countDistinct("api").alias("n")).collect()
    return {(row["set"], row["mix"]): int(row["n"]) for row in rows}


def _is_stage(path: str) -> bool:
    return storage.is_folder(path) and manifest.is_finished(path)


def _apis_of_seeds(spark: SparkSession, found: Manifest) -> DataFrame | None:
    table = _table_with(found, "apis")
    if table is None:
        return None
    folder = storage.spark_path(storage.join(found.folder, table))
    return spark.read.parquet(folder).select("id", "apis")


def _apis_of_matches(spark: SparkSession, found: Manifest) -> DataFrame | None:
    if found.stage != "match":
        return None
    seeds = found.config.get("seeds")
    folders = [seeds] if isinstance(seeds, str) else list(seeds or ())
    tables = [_apis_of_seeds(spark, manifest.read(folder)) for folder in folders if _is_stage(folder)]
    there = [table for table in tables if table is not None]
    if not there:
        return None
    named = reduce(DataFrame.unionByName, there).dropDuplicates(
        ["id"]
    )  # the same seed may lie in two folders
    pages = spark.read.parquet(storage.spark_path(storage.join(found.folder, "pages")))
    seed_of = pages.select("id", F.col("match_seed_id").alias("seed"))
    return seed_of.join(named.withColumnRenamed("id", "seed"), "seed").select("id", "apis")


def _table_with(found: Manifest, column: str) -> str | None:
    """The table of a stage that has `column`."""
    for table, files in sorted(found.tables.items()):
        for file in files:
            if not file.path.endswith(".parquet") or posixpath.dirname(file.path) != table:
                break
            try:
                with storage.open_input(storage.join(found.folder, file.path)) as stream:
                    if column in pq.read_schema(stream).names:
                        return table
            except (pa.ArrowException, OSError, UserError):
                pass
            break
    return None


def write_card(
    stage: Stage, spark: SparkSession, facts: Mapping[str, Any], records_in: int
) -> dict[str, Any]:
    """Write lineage.json and README.md; returns what the facts of the manifest say of the lineage.

    Both hold what follows from the inputs, no times and no machine: equal inputs give equal bytes.
    """
    found = lineage.gather(stage.settings, stage.inputs)
    stages = [_short(entry) for entry in found["stages"]]
    said = {"file": lineage.FILE, "stages": stages, "not_found": len(found["not_found"])}
    lines = funnel(records_in, stage.counts(spark))
    text = readme.card({**facts, "lineage": said}, stage.settings, lines)
    files = {lineage.FILE: lineage.to_bytes(found), readme.FILE: text.encode("utf-8")}
    for name, data in files.items():
        storage.write_bytes(storage.join(stage.folder, name), data)
    stage.tables["card"] = [describe_file(stage.folder, name) for name in sorted(files)]
    return said


def _short(entry: Mapping[str, Any]) -> dict[str, Any]:
    counts = entry["counts"]
    numbers = {key: int(counts.get(key, 0)) for key in ("records_in", "kept")}
    return {"stage": entry["stage"], "fingerprint": entry["fingerprint"], **numbers}
