"""Sources of any format as one DataFrame with the columns of a shard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from functools import reduce

import pyarrow as pa
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.engine.errors import UserError
from corpus.shards.sources.document import FILTERED
from corpus.shards.sources.read import ROWS, Feed, Task, batches, grouped, rows

_TASKS = pa.schema(
    [("path", pa.string()), ("name", pa.string()), ("start", pa.int64()), ("stop", pa.int64())]
)
_ROW = "_row"  # beside the source's own columns, which a condition names


def read_documents(spark: SparkSession, feeds: Sequence[Feed]) -> DataFrame:
    """All sources: a row for each record, or each conversation in it, with the columns of `ROWS` and `mix`.

    `reason` says why a row is not to be used; its text is then empty. `mix` is the name of the source.
    """
    return reduce(DataFrame.unionByName, [read(spark, feed) for feed in feeds])


def read(spark: SparkSession, feed: Feed) -> DataFrame:
    """One location of a source, its own condition applied."""
    schema = pa.schema([(_ROW, pa.struct(list(ROWS))), *feed.own])

    def parse(given: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = (row for batch in given for one in batch.to_pylist() for row in rows(feed, Task(**one)))
        for batch in batches(found, pa.schema([*ROWS, ("own", pa.struct(list(feed.own)))])):
            inner = pa.StructArray.from_arrays([batch.column(name) for name in ROWS.names], fields=list(ROWS))
            own = [batch.column("own").field(name) for name in feed.own.names]
            yield pa.RecordBatch.from_arrays([inner, *own], schema=schema)

    parts = [[astuple(task) for task in group] for group in grouped(feed.location)]
    tasks = spark.sparkContext.parallelize(parts, max(len(parts), 1)).flatMap(list)
    df = spark.createDataFrame(tasks, from_arrow_schema(_TASKS)).mapInArrow(parse, from_arrow_schema(schema))
    with _values_of_no_sense_are_null(spark):
        passes = F.lit(True) if feed.config.where is None else F.coalesce(condition(df, feed), F.lit(False))
        found = df.select(f"{_ROW}.*", passes.alias("passes"), F.lit(feed.name).alias("mix"))
    reason = F.when((F.col("reason") == "") & ~F.col("passes"), FILTERED).otherwise(F.col("reason"))
    text = F.when(F.col("reason") == "", F.col("text")).otherwise("")
    return found.withColumn("reason", reason).withColumn("text", text).drop("passes")


@contextmanager
def _values_of_no_sense_are_null(spark: SparkSession) -> Iterator[None]:
    """Conditions are resolved without ANSI mode, in which one value that is no number would end the job."""
    key = "spark.sql.ansi.enabled"
    before = spark.conf.get(key)
    spark.conf.set(key, "false")
    try:
        yield
    finally:
        spark.conf.set(key, str(before))


def condition(df: DataFrame, feed: Feed) -> Column:
    """The source's condition. Raises UserError where it is none on the columns of the source."""
    words = feed.config.where or ""
    try:
        kind = df.select(F.expr(words).alias("passes")).schema["passes"].dataType.simpleString()
    except (AnalysisException, ParseException) as error:
        columns = ", ".join(feed.location.schema.names)
        said = str(error).splitlines()[0].split("SQLSTATE")[0].rstrip(" ;:.")
        raise UserError(
            f"input.{feed.name}.where is no condition on the columns of the source ({columns}): {said}."
        ) from error
    if kind != "boolean":
        raise UserError(f"input.{feed.name}.where gives a {kind}, not true or false: {words}")
    return F.expr(words)
