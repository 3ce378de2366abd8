"""Spark's part of reading: each page, seed and address that is given becomes a record."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.crawl.inputs.sources import Archive
from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.stage import Stage, read_table
from corpus.labels.config import LabelConfig
from corpus.labels.given import Given
from corpus.labels.pages import EMPTY, FILES, PAGES, UNREADABLE, page_batches
from corpus.labels.votes import SEED

PAGE, FROM_SEED, FROM_FILE = "0 page", "1 seed", "2 file"  # of equal addresses the first is the record
DOCUMENTATION = ("tool_doc", "function_call", "code")  # kinds of seeds that look like pages
SAME_URL, SEED_KIND = "same_url", "seed_kind"
COLUMNS = ("id", "url", "text", "agent_score", "warc", "offset", "reason", "origin", "source")
_TABLES = ("pages", "seeds")


def read_records(spark: SparkSession, given: Given, config: LabelConfig, stage: Stage) -> DataFrame:
    """COLUMNS; `reason` is empty for the one record of an address that can be labelled."""
    frames = [_of_table(read_table(spark, folder, table_of(folder))) for folder in given.stages]
    if given.parquet:
        frames.append(_of_table(_parquet(spark, [file.path for file in given.parquet])))
    if given.archives:
        parsed = stage.scratch(_of_archives(spark, given.archives, config.page_seconds), "parsed")
        _require_all(parsed)
        frames.append(_shaped(parsed, PAGE))
    if config.seeds:
        frames.append(_of_seeds(read_table(spark, config.seeds, "seeds")))
    records = reduce(DataFrame.unionByName, frames) if frames else None
    told = sorted({url for votes in given.file_votes.values() for url in votes})
    if told:
        addresses = _of_addresses(spark, told)
        if records is None:
            records = addresses
        else:  # a file speaks of pages; its addresses count where there is no page to speak of
            there = records.where("reason = ''").select("url").distinct()
            records = records.unionByName(addresses.join(there, "url", "left_anti"))
    if records is None:
        raise UserError("labels= names files without a single label, and there is nothing else to label.")
    return _one_for_each_address(records)


def table_of(folder: str) -> str:
    """The table of a finished stage that holds pages. UserError where there is none."""
    tables = manifest.read(folder).tables
    found = next((name for name in _TABLES if name in tables), None)
    if found is None:
        raise UserError(
            f"{storage.redact(folder)} holds neither pages nor seeds; give input= a stage that does."
        )
    return found


def _of_table(df: DataFrame) -> DataFrame:
    missing = sorted({"url", "text"} - set(df.columns))
    if missing:
        raise UserError(f"an input has no column {' and no '.join(missing)}; label needs url and text.")
    text = F.coalesce(F.col("text").cast("string"), F.lit(""))
    df = df.withColumn("text", text).where("url is not null")
    blank = ~F.col("text").rlike(r"\S")
    return _shaped(df.withColumn("reason", F.when(blank, EMPTY).otherwise("")), PAGE)


def _parquet(spark: SparkSession, paths: list[str]) -> DataFrame:
    for path in paths:
        try:
            with storage.open_input(path) as stream:
                pq.read_schema(stream)  # Spark would answer with a hundred lines
        except (pa.ArrowException, OSError) as error:
            name = storage.redact(path)
            raise UserError(f"cannot read {name} as Parquet: {storage.reason_of(error)}.") from error
    return spark.read.parquet(*(storage.spark_path(path) for path in paths))


def _of_archives(spark: SparkSession, archives: list[Archive], seconds: float) -> DataFrame:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return page_batches(batches, seconds=seconds)

    files = [(archive.file.path, archive.name, archive.file.bytes) for archive in archives]
    df = spark.createDataFrame(spark.sparkContext.parallelize(files, len(files)), from_arrow_schema(FILES))
    return df.mapInArrow(read, from_arrow_schema(PAGES))


def _require_all(parsed: DataFrame) -> None:
    """Raise UserError if an archive could not be read: the sample would not be the one asked for."""
    failed = sorted(row["url"] for row in parsed.where(F.col("reason") == UNREADABLE).select("url").collect())
    if failed:
        more = f" (and {len(failed) - 1:,} more archives)" if len(failed) > 1 else ""
        raise UserError(f"{failed[0].rstrip('.')}{more}; run the same command again.")


def _of_seeds(seeds: DataFrame) -> DataFrame:
    documents = F.col("kind").isin(*DOCUMENTATION)
    return _shaped(seeds.withColumn("reason", F.when(documents, "").otherwise(SEED_KIND)), FROM_SEED)


def _of_addresses(spark: SparkSession, urls: list[str]) -> DataFrame:
    df = spark.createDataFrame([(url,) for url in urls], "url string")
    return _shaped(df.withColumns({"text": F.lit(""), "reason": F.lit("")}), FROM_FILE)


def _shaped(df: DataFrame, origin: str) -> DataFrame:
    def column(name: str, kind: str) -> Column:
        return (F.col(name) if name in df.columns else F.lit(None)).cast(kind).alias(name)

    hashed = F.md5(F.concat_ws("\x1f", F.lit(origin), "url", "text"))
    return df.select(
        F.coalesce(column("id", "string"), hashed).alias("id"),
        "url",
        "text",
        column("agent_score", "float"),
        column("warc", "string"),
        column("offset", "bigint"),
        "reason",
        F.lit(origin).alias("origin"),
        (column("source", "string") if origin == FROM_SEED else F.lit(None).cast("string")).alias("source"),
    )


def _one_for_each_address(records: DataFrame) -> DataFrame:
    """Records with a reason stand alone, whatever their address: as one group they would be one task's."""
    alone = F.when(F.col("reason") != "", F.concat_ws("\x1f", "id", "warc", F.col("offset").cast("string")))
    ordered = Window.partitionBy("url", alone).orderBy("origin", "id", "warc", "offset", F.md5("text"))
    first = F.row_number().over(ordered) == 1
    again = (F.col("reason") == "") & ~first
    return records.withColumn("reason", F.when(again, SAME_URL).otherwise(F.col("reason")))


def seed_giver() -> Column:
    """The giver behind a seed's address."""
    return F.concat(F.lit(f"{SEED}:"), F.col("source"))
