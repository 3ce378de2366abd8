"""Equal pages, and the order of all pages: sketches in, numbered pages with their best equal out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from corpus.dedup import batches
from corpus.dedup.config import DedupConfig
from corpus.dedup.order import rank_expressions
from corpus.dedup.read.stage import column_or_null

PAGES = (
    *(
        "id",
        "url",
        "score",
        "digest",
        "text_key",
        "url_key",
        "shingles",
        "bands",
        "sample_key",
        "length",
        "date",
    ),
    "index",
)


def sketch(records: DataFrame, config: DedupConfig) -> DataFrame:
    """The only pass over all texts: what each page is compared by, without the page."""
    narrow = records.select(
        "id",
        "url",
        column_or_null(records, "agent_score", "float").alias("score"),
        column_or_null(records, "payload_digest", "string").alias("digest"),
        date_of(records).alias("date"),
        "text",
    )
    return narrow.mapInArrow(batches.sketch(config), from_arrow_schema(batches.SKETCH))


def date_of(records: DataFrame) -> Column:
    """`fetched_at` in microseconds, null where a table has no such time."""
    kinds = dict(records.dtypes)
    if kinds.get("fetched_at", "").startswith("timestamp"):
        return F.unix_micros(F.col("fetched_at").cast("timestamp"))
    return F.lit(None).cast("bigint")


def numbered(pages: DataFrame, config: DedupConfig) -> DataFrame:
    """Pages with `node`: numbers that ascend from the best page to the last, known pages before all others.

    Only the order of the numbers means anything; it follows from the rows alone, the numbers themselves from
    how Spark has cut them. So the result must be saved before it is used twice.
    """
    rank = [F.expr(expression) for expression in rank_expressions(config.survivor)]
    order = [F.when(F.col("index") == "", 1).otherwise(0), *rank, F.col("index"), F.col("text_key")]
    names = [f"_k{number}" for number in range(len(order))]
    sorted_pages = (
        pages.withColumns(dict(zip(names, order)))
        .repartitionByRange(*names)
        .sortWithinPartitions(*names)
        .drop(*names)
    )
    schema = pa.schema([pa.field("node", pa.int64()), *to_arrow(sorted_pages)])

    def number(found: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        start = (context.partitionId() if context else 0) << 40
        for batch in found:
            nodes = pa.array(np.arange(start, start + batch.num_rows))
            start += batch.num_rows
            yield pa.RecordBatch.from_arrays([nodes, *batch.columns], schema=schema)

    return sorted_pages.mapInArrow(number, from_arrow_schema(schema))


def to_arrow(df: DataFrame) -> list[pa.Field]:
    kinds = {**{f.name: f.type for f in batches.SKETCH}, "index": pa.string()}
    return [pa.field(name, kinds[name]) for name in df.columns]


def with_equals(pages: DataFrame) -> DataFrame:
    """Pages with what is to be known of `rep`, the best page of the same normalised text."""
    best = Window.partitionBy("text_key").orderBy("node")
    first = {f"rep_{name}": F.first(name).over(best) for name in ("node", "id", "digest", "url_key", "index")}
    return pages.withColumns(first)
