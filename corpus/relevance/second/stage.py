"""Spark's part of the second scorer: the chosen pages read once more, extracted and encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.crawl.inputs.sources import Archive
from corpus.crawl.inputs.tasks import TASKS, tasks_of
from corpus.match.encoding.names import placed
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.labels import GIVEN_BY_SEED
from corpus.relevance.learn import Vectors
from corpus.relevance.second.rows import EMBEDDED, READ, chosen_batches, embedded_batches
from corpus.relevance.second.scorer import STRUCTURE


def second_vectors(
    spark: SparkSession, rows: DataFrame, archives: Sequence[Archive], config: ClassifierConfig
) -> Vectors:
    """Layout and embedding of each page that is trained on, by its id. The archives are read once more.

    Pages are encoded in shares that do not depend on the archives, or one archive would keep one core busy.
    """
    chosen: dict[str, set[int]] = {}
    pages = rows.where((F.col("reason") == "") & (F.col("given_by") != GIVEN_BY_SEED))
    for row in pages.select("warc", "offset").collect():
        chosen.setdefault(row["warc"], set()).add(row["offset"])
    shared = spark.sparkContext.broadcast(chosen)
    seconds, encoder, tokens = config.page_seconds, placed(config.second), config.second_tokens

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return chosen_batches(batches, shared.value, seconds=seconds, encoder=encoder, max_tokens=tokens)

    def encode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return embedded_batches(batches, encoder=encoder, max_tokens=tokens)

    tasks = tasks_of([archive for archive in archives if archive.selection or archive.name in chosen])
    df = spark.createDataFrame(spark.sparkContext.parallelize(tasks, len(tasks)), from_arrow_schema(TASKS))
    found = df.mapInArrow(read, from_arrow_schema(READ))
    if encoder != STRUCTURE:
        shares = 4 * spark.sparkContext.defaultParallelism
        found = found.repartition(shares, "id").mapInArrow(encode, from_arrow_schema(EMBEDDED))
    else:
        found = found.withColumn("embedding", F.array().cast("array<float>"))
    wanted = found.select("id", "structure", "embedding").where(F.size("structure") > 0)
    table = wanted.toArrow().to_pydict()
    return {
        id: (layout, embedding)
        for id, layout, embedding in zip(table["id"], table["structure"], table["embedding"])
    }
