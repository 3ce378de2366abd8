"""Tokenising with Spark: each task encodes its rows batch by batch, on the cores that the task owns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from corpus.shards.tokenizer import load
from corpus.shards.writing.writer import PACKED, packed

# What a batch between the JVM and Python may hold. Rows would not bound it: a document may have megabytes.
BATCH_BYTES, BATCH_ROWS = 16 << 20, 4096
READ_ROWS = 256  # of a column in the JVM's vectorised reader, for the same reason

_BOUNDS = {
    "spark.sql.execution.arrow.maxBytesPerBatch": BATCH_BYTES,
    "spark.sql.execution.arrow.maxRecordsPerBatch": BATCH_ROWS,
    "spark.sql.parquet.columnarReaderBatchSize": READ_ROWS,
}


@contextmanager
def bounded_batches(spark: SparkSession) -> Iterator[None]:
    """Bound what a task holds of the documents at a time, in the jobs that begin inside the block."""
    before = {key: spark.conf.get(key, None) for key in _BOUNDS}
    for key, value in _BOUNDS.items():
        spark.conf.set(key, str(value))
    try:
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)


@dataclass(frozen=True)
class Encode:
    """Batches with a column `text` to the same with num_tokens and, where wanted, input_ids as packed bytes.

    Empty texts get no tokens. `folder` holds the tokenizer whose tokenizer.json has the hash `sha256`.
    """

    folder: str
    sha256: str
    with_ids: bool = True

    @property
    def fields(self) -> list[pa.Field]:
        added = [pa.field("num_tokens", pa.int32()), pa.field(PACKED, pa.binary())]
        return added[: 1 + self.with_ids]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        use_own_cores()
        tokenizer = load(self.folder, self.sha256)
        for batch in batches:
            text = batch.column("text")
            filled = pc.greater(pc.fill_null(pc.binary_length(text), 0), 0)
            ids = tokenizer.encode(["" if t is None else t for t in text.to_pylist()])
            lengths = pc.if_else(filled, pc.list_value_length(ids), 0).cast(pa.int32())
            extra = [lengths, packed(ids)] if self.with_ids else [lengths]
            yield pa.RecordBatch.from_arrays(
                [*batch.columns, *extra], schema=pa.schema([*batch.schema, *self.fields])
            )


def tokenise(documents: DataFrame, encode: Encode) -> DataFrame:
    """The documents with what `encode` adds to them."""
    added = from_arrow_schema(pa.schema(encode.fields)).fields
    return documents.mapInArrow(encode, StructType([*documents.schema.fields, *added]))


def use_own_cores() -> None:
    """Let the tokenizer have as many threads as the task has cores.

    Spark runs a task per core. The library would start a thread per core of the machine in each of them, and
    the threads of all tasks would then wait for each other.
    """
    context = TaskContext.get()
    cores = context.cpus() if context else 1
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if cores > 1 else "false"
    os.environ["RAYON_NUM_THREADS"] = str(cores)
