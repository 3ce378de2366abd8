"""What deduplication reads: finished stages and any Parquet with the needed columns, as one DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from corpus.dedup.graph.stage import Scratch
from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import expand
from corpus.engine.stage import read_table, stage_input

NEEDED = ("id", "url", "text")


def identify(path: str) -> list[Mapping[str, Any]]:
    """The identity of one input: a table of a finished stage, or each file of other Parquet."""
    if manifest.is_finished(path):
        return [stage_input(path, table_of(path))]
    return [file.identity() for file in expand([path], suffixes=(".parquet",))]


def table_of(folder: str) -> str:
    tables = manifest.read(folder).tables
    return next((name for name in ("pages", "seeds") if name in tables), "pages")


def read_records(spark: SparkSession, paths: Sequence[str], needed: Sequence[str] = NEEDED) -> DataFrame:
    """All inputs as one DataFrame: id, url and text as strings without nulls, and what else they bring."""
    frames = []
    for path in paths:
        if manifest.is_finished(path):
            df = read_table(spark, path, table_of(path))
        else:
            df = read_parquet(spark, path)
        missing = sorted(set(needed) - set(df.columns))
        if missing:
            lacking = " and no ".join(missing)
            wanted = f"{', '.join(needed[:-1])} and {needed[-1]}"
            raise UserError(f"{storage.redact(path)} has no column {lacking}; dedup needs {wanted}.")
        frames.append(df if "url" in df.columns else df.withColumn("url", F.lit("")))
    _check_types(frames, paths)
    df = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)
    df = df.withColumns({name: F.coalesce(F.col(name).cast("string"), F.lit("")) for name in ("url", "text")})
    made = F.md5(F.concat_ws("\n", "url", "text"))  # a record without an id still needs one
    return df.withColumn("id", F.coalesce(F.col("id").cast("string"), made))


def read_parquet(spark: SparkSession, path: str) -> DataFrame:
    """Parquet that no stage of ours has written. Raises UserError where the first file is none."""
    files = [file.path for file in expand([path], suffixes=(".parquet",))]
    try:
        with storage.open_input(files[0]) as stream:
            pq.read_schema(stream)  # Spark would answer with a hundred lines
    except pa.ArrowException as error:
        raise UserError(f"cannot read {storage.redact(files[0])} as Parquet: {error}.") from error
    return spark.read.parquet(*(storage.spark_path(file) for file in files))


def _check_types(frames: Sequence[DataFrame], paths: Sequence[str]) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for df, path in zip(frames, paths):
        for name, kind in df.dtypes:
            first, where = seen.setdefault(name, (kind, path))
            if first != kind and name not in NEEDED:
                raise UserError(
                    f"column '{name}' is {first} in {where} but {kind} in {path}; give both one type."
                )


def part_repeats(records: DataFrame, scratch: Scratch) -> tuple[DataFrame, DataFrame | None]:
    """(one row per id, the other rows of ids that repeat).

    The latter: id, url, agent_score, same (whether the text is that of the first row). Texts move only
    where ids repeat, as after reading one crawl twice.
    """
    many = scratch.save(records.groupBy("id").count().where("count > 1").select("id"), "repeats")
    if many.isEmpty():
        return records, None
    whole = F.to_json(F.struct(*sorted(records.columns)))
    # Rows in which every column is equal may swap places: nothing tells them apart.
    order = Window.partitionBy("id").orderBy(-F.length("text"), F.md5(whole))
    placed = records.join(many, "id", "left_semi").withColumn("_place", F.row_number().over(order))
    placed = placed.withColumn("_same", F.col("text") == F.first("text").over(order))
    firsts = placed.where("_place = 1").drop("_place", "_same")
    score = column_or_null(records, "agent_score", "float").alias("score")
    columns = [F.col("id"), F.col("url"), score, F.col("_same").alias("same")]
    others = scratch.save(placed.where("_place > 1").select(*columns), "others")
    return records.join(many, "id", "left_anti").unionByName(firsts), others


def column_or_null(df: DataFrame, name: str, kind: str) -> Column:
    return (F.col(name) if name in df.columns else F.lit(None)).cast(kind).alias(name)
