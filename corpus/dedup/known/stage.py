"""What earlier runs have kept, and other texts that pages must not repeat: the `index=` of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from corpus.dedup import batches
from corpus.dedup.config import DedupConfig
from corpus.dedup.read.stage import identify, read_records
from corpus.engine import manifest, storage
from corpus.engine.stage import read_table, stage_input
from corpus.engine.tables import DEDUP_INDEX

Sketcher = Callable[[DataFrame], DataFrame]
NAMES = ("index", "id", "text_key")  # what tells the pages of all indexes apart


def index_inputs(config: DedupConfig) -> list[Mapping[str, Any]]:
    """The identity of each index. Its bytes stay out: the parts of the output follow from the pages alone."""
    found: list[Mapping[str, Any]] = []
    for path in config.index:
        if has_sketches(path, config):
            items: list[Mapping[str, Any]] = [stage_input(path, DEDUP_INDEX.name)]
        else:
            items = identify(path)
        found += [{**{k: v for k, v in item.items() if k != "bytes"}, "index": True} for item in items]
    return found


def has_sketches(path: str, config: DedupConfig) -> bool:
    """Whether a folder holds sketches made as this run makes its own; else its texts are sketched."""
    if not manifest.is_finished(path):
        return False
    found = manifest.read(path)
    settings = found.facts.get("index_settings")
    return (
        found.stage == "dedup" and DEDUP_INDEX.name in found.tables and settings == config.sketch_settings()
    )


def known_sketches(spark: SparkSession, config: DedupConfig, sketch: Sketcher) -> DataFrame | None:
    """The sketches of all indexes with a column `index`: the name of the index that a row comes from."""
    frames = []
    for path in config.index:
        if has_sketches(path, config):
            made = read_table(spark, path, DEDUP_INDEX.name)
        else:
            made = sketch(read_records(spark, [path], needed=("id", "text")))
        frames.append(made.select(*batches.SKETCH.names).withColumn("index", F.lit(storage.redact(path))))
    return reduce(DataFrame.unionByName, frames) if frames else None


def concerned(known: DataFrame, sketches: DataFrame) -> DataFrame:
    """The known pages that share a text or a bucket with a page of this run, each text of an id once.

    All further work is on these, so it follows from the new pages; of the others only the keys are read. A
    table that no stage has made may use one id for several texts, and for one text twice.
    """
    texts = sketches.select("text_key").distinct()
    buckets = sketches.select(F.explode("bands").alias("bucket")).distinct()
    members = known.select(*NAMES, F.explode("bands").alias("bucket"))
    hits = members.join(buckets, "bucket", "left_semi").select(*NAMES)
    equal = known.select(*NAMES).join(texts, "text_key", "left_semi").select(*NAMES)
    met = known.join(hits.unionByName(equal).distinct(), list(NAMES), "left_semi")
    alike = Window.partitionBy(*NAMES).orderBy("url", "digest", "score", "date", "length")
    return met.withColumn("_place", F.row_number().over(alike)).where("_place = 1").drop("_place")


def empty(spark: SparkSession) -> DataFrame:
    """No known pages, with the columns that they would have."""
    return spark.createDataFrame([], from_arrow_schema(batches.SKETCH)).withColumn("index", F.lit(""))
