"""Sources of any format as one DataFrame with the columns of a shard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from functools import partial, reduce
from typing import Any, Protocol

import pyarrow as pa
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from corpus.engine.errors import UserError
from corpus.shards.sources.document import FILTERED
from corpus.shards.sources.read import ROWS, Feed, Task, batches, grouped, rows

_TASKS = pa.schema(
    [("path", pa.string()), ("name", pa.string()), ("start", pa.int64()), ("stop", pa.int64())]
)
_ROW = "_row"  # beside the source's own columns, which a condition names


class Step(Protocol):
    """What adds columns to batches of rows."""

    @property
    def fields(self) -> list[pa.Field]: ...

    def __call__(self, batches: Iterator[pa.RecordBatch], /) -> Iterator[pa.RecordBatch]: ...


def read_documents(
    spark: SparkSession, feeds: Sequence[Feed], step_of: Callable[[Feed], Step | None] = lambda _: None
) -> DataFrame:
    """All sources: a row for each record, or each conversation in it, with the columns of `ROWS` and `mix`.

    `reason` says why a row is not to be used; its text is then empty. `mix` is the name of the source. A step
    adds columns to the rows of a feed.
    """
    frames = [read(spark, feed, step_of(feed)) for feed in feeds]
    return reduce(partial(DataFrame.unionByName, allowMissingColumns=True), frames)


def read(spark: SparkSession, feed: Feed, step: Step | None = None) -> DataFrame:
    """One location of a source, its own condition applied.

    The step is taken in the process that has read the rows, where no condition has to be asked in between:
    to hand the texts to another one and back costs as much as an eighth of encoding them.
    """
    tasks = _tasks(spark, feed)
    if feed.config.where is None:
        steps = () if step is None else (step,)
        names = pa.schema([*ROWS, *(field for one in steps for field in one.fields)])

        def parse(given: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            found = batches(_rows(feed, given), ROWS)
            return reduce(lambda rows, one: one(rows), steps, found)

        return tasks.mapInArrow(parse, from_arrow_schema(names)).withColumn("mix", F.lit(feed.name))
    found = _where(tasks, feed)
    return found if step is None else found.mapInArrow(step, _with(found.schema, step))


def _tasks(spark: SparkSession, feed: Feed) -> DataFrame:
    parts = [[astuple(task) for task in group] for group in grouped(feed.location)]
    tasks = spark.sparkContext.parallelize(parts, max(len(parts), 1)).flatMap(list)
    return spark.createDataFrame(tasks, from_arrow_schema(_TASKS))


def _rows(feed: Feed, given: Iterator[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    return (row for batch in given for one in batch.to_pylist() for row in rows(feed, Task(**one)))


def _with(schema: StructType, step: Step) -> StructType:
    return StructType([*schema.fields, *from_arrow_schema(pa.schema(step.fields)).fields])


def _where(tasks: DataFrame, feed: Feed) -> DataFrame:
    """The rows of the source, those that do not pass its condition without text and with the reason."""
    schema = pa.schema([(_ROW, pa.struct(list(ROWS))), *feed.own])

    def parse(given: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches(_rows(feed, given), pa.schema([*ROWS, ("own", pa.struct(list(feed.own)))])):
            inner = pa.StructArray.from_arrays([batch.column(name) for name in ROWS.names], fields=list(ROWS))
            own = [batch.column("own").field(name) for name in feed.own.names]
            yield pa.RecordBatch.from_arrays([inner, *own], schema=schema)

    df = tasks.mapInArrow(parse, from_arrow_schema(schema))
    with _values_of_no_sense_are_null(tasks.sparkSession):
        passes = F.coalesce(condition(df, feed), F.lit(False))
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
