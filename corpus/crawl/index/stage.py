"""Selecting rows of an index on Spark: SQL filters them, sorted Parquet files hold what it lets through.

Executors read the index themselves, so that it may lie wherever archives lie and needs no connector in the
cluster's Spark; only the filter's own columns are read. What comes to the driver is an entry for each piece
of work, and no row.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.crawl.index.columns import DIGEST, PLACE, needed, read_batches
from corpus.crawl.index.work import FOLDER, Index, pieces_of, save
from corpus.crawl.inputs.ranges import BAD_ROW, REPEATED_DIGEST, ROWS
from corpus.crawl.inputs.sources import Archive
from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.stage import write_parts

_PART_BYTES = 256 << 20  # of the index, for each part of what is selected of it: at most 3 million rows
_TOLD = re.compile(r"(?:ArchiveError|WebError|UserError|OSError|ArrowInvalid): (.+)")


def check_where(spark: SparkSession, index: Index) -> None:
    """UserError with the parser's complaint and the columns, where `where=` is no filter of the index."""
    if not index.where:
        return
    empty = spark.createDataFrame([], from_arrow_schema(index.schema))
    try:
        with _quiet():
            condition = empty.where(index.where)._jdf.queryExecution().analyzed().condition()
    except PySparkException as error:
        raise UserError(
            f"the key 'where' is no filter that SQL can read: {_complaint(error)}; the index has the columns "
            f"{', '.join(index.schema.names)}."
        ) from None
    if not condition.deterministic():
        raise UserError("the key 'where' must choose the same rows each time; take rand() and its like out.")


def select(spark: SparkSession, index: Index, folder: str) -> list[Archive]:
    """The records that `where=` lets through, as pieces of work; their rows are left in `folder`/_index.

    Raises UserError for a filter that cannot be evaluated, and where it lets nothing through.
    """
    check_where(spark, index)
    place = storage.join(folder, FOLDER)
    storage.remove(place)
    size = sum(max(file.bytes, 0) for file in index.files)
    number = max(len(index.files), -(-size // _PART_BYTES))
    try:
        with _quiet():
            pieces = cut(spark, selected_rows(spark, index), index, place, number)
    except PySparkException as error:
        raise _told(error) from None
    if not pieces:
        raise UserError(
            f"no row of the index ({storage.redact(index.files[0].path)}, ...) passes where={index.where}"
        )
    save(pieces, index, folder)
    return pieces


def cut(spark: SparkSession, rows: DataFrame, index: Index, place: str, number: int) -> list[Archive]:
    """ROWS in any order as pieces of work; what the pieces name is written to `place` in `number` parts."""
    spread = rows.select(*ROWS.names).repartition(number, "warc").sortWithinPartitions(*ROWS.names)
    paths = [storage.join(place, part.path) for part in write_parts(spread, ROWS, place) if part.rows]
    if not paths:
        return []
    found = spark.sparkContext.parallelize(paths, len(paths)).flatMap(lambda path: pieces_of(path, index))
    return sorted(found.collect(), key=lambda piece: piece.name)


def selected_rows(spark: SparkSession, index: Index) -> DataFrame:
    """ROWS of all records that are wanted, with the reason of those that are not to be fetched."""
    schema = needed(index.schema, index.where)
    columns, where, access = dict(index.columns), index.where, index.access

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for path in batch.column(0).to_pylist():
                yield from read_batches(path, schema, columns, where, access)

    paths = [(file.path,) for file in index.files]
    files = spark.createDataFrame(spark.sparkContext.parallelize(paths, len(paths)), "path string")
    found = files.mapInArrow(read, from_arrow_schema(schema))
    return with_reasons(found.where(where) if where else found, index.repeats)


def with_reasons(rows: DataFrame, repeats: bool) -> DataFrame:
    """Index rows as ROWS. Without `repeats` the first record of each digest, by place, stands for all."""
    warc, offset, length, url = (F.col(name) for name in PLACE)
    placed = (warc != "") & (offset >= 0) & (length > 0) & url.isNotNull()
    digest = F.col(DIGEST) if DIGEST in rows.columns else F.lit("")
    shaped = rows.select(
        F.coalesce(warc, F.lit("")).alias("warc"),
        F.coalesce(offset, F.lit(-1)).alias("offset"),
        F.coalesce(length, F.lit(0)).alias("length"),
        F.coalesce(url, F.lit("")).alias("url"),
        F.coalesce(digest, F.lit("")).alias("digest"),
        F.when(F.coalesce(placed, F.lit(False)), "").otherwise(BAD_ROW).alias("reason"),
    )
    if repeats:
        return shaped
    good = (F.col("digest") != "") & (F.col("reason") == "")
    # rows without a digest stand alone each: one partition of all of them would be the job's longest
    alike = F.when(good, F.col("digest")).otherwise(F.concat_ws(" ", "warc", "offset", "url"))
    number = F.row_number().over(Window.partitionBy(good, alike).orderBy("warc", "offset", "length", "url"))
    numbered = shaped.withColumn("number", number)
    repeated = F.when(good & (F.col("number") > 1), F.lit(REPEATED_DIGEST)).otherwise(F.col("reason"))
    return numbered.withColumn("reason", repeated)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """PySpark logs each error of a query with the JVM's stack; here it becomes one sentence."""
    logger = PySparkLogger.getLogger("SQLQueryContextLogger")  # of pyspark's own kind: it passes fields
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _told(error: PySparkException) -> Exception:
    """An error of the filter or of a store as one sentence; all others as they are."""
    if type(error).__name__ == "PythonException":
        found = _TOLD.findall(str(error))
        return UserError(f"cannot read the index: {found[-1].rstrip('.')}.") if found else error
    if error.getSqlState() is None:
        return error
    return UserError(f"the key 'where' cannot be evaluated: {_complaint(error)}.")


def _complaint(error: PySparkException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return re.sub(r"\.?\s*SQLSTATE: \w+", "", lines[0]).rstrip(".; ") if lines else type(error).__name__
