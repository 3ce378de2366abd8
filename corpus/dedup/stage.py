"""Deduplication on DataFrames: read, sketch, group equal pages, search near ones, decide, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.dedup.boilerplate.stage import without_boilerplate
from corpus.dedup.config import DedupConfig
from corpus.dedup.decide.stage import check, decide
from corpus.dedup.exact.stage import PAGES, numbered, sketch, with_equals
from corpus.dedup.graph.stage import Scratch
from corpus.dedup.known.stage import NAMES, concerned, empty, index_inputs, known_sketches
from corpus.dedup.near.stage import near_duplicates
from corpus.dedup.order import rank_expressions
from corpus.dedup.read.stage import identify, part_repeats, read_records
from corpus.dedup.sample import SampledPage, measure
from corpus.dedup.shingles import unpack
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest
from corpus.engine.stage import Stage
from corpus.engine.tables import BOILERPLATE, DEDUP_INDEX, DUPLICATES, LEDGER, UNIQUE_PAGES

# A row may hold a text or a shingle set of megabytes, so batches are bounded by bytes, and by rows where
# Spark does not know that bound.
_BATCHES = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "500",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(32 << 20),
}
_LONGEST_IN_SAMPLE = 20_000  # shingles; the sample is held on the driver


def run(config: DedupConfig) -> Manifest:
    """Deduplicate the inputs into `output`; returns the manifest. Raises UserError and DataError."""
    stage = Stage.open("dedup", config, inputs_of(config))
    if stage.finished:
        return stage.finished
    with stage.spark() as spark, small_batches(spark):
        scratch = Scratch(stage.scratch)
        records, repeats = part_repeats(read_records(spark, config.input), scratch)
        sketches = scratch.save(sketch(records, config), "sketches")
        known = known_pages(spark, sketches, config, scratch)
        groups = group(sketches, known, config, scratch)
        removed, roots = find_near(groups, sketches, known, config, scratch)
        decisions = scratch.save(decide(groups, repeats, removed, roots), "decisions")
        check(decisions, config)
        kept_ids = decisions.where("outcome = 'kept'").select("id")
        kept, report = without_boilerplate(records.join(kept_ids, "id", "left_semi"), config, scratch)
        kept_rows = stage.write(kept, UNIQUE_PAGES)
        stage.write(typed(decisions.where("outcome = 'dropped'"), DUPLICATES.schema), DUPLICATES)
        stage.write(typed(report, BOILERPLATE.schema), BOILERPLATE)
        stage.write(typed(sketches.join(kept_ids, "id", "left_semi"), DEDUP_INDEX.schema), DEDUP_INDEX)
        stage.write(typed(as_ledger(decisions), LEDGER.schema), LEDGER)
        facts = {**config.describe(), **scratch.facts}
        return stage.finish(spark, records_in=decisions.count(), kept_rows=kept_rows, facts=facts)


def plan(config: DedupConfig) -> str:
    """What --dry-run prints."""
    found = inputs_of(config)
    size = sum(int(item.get("bytes", 0)) for item in found)
    about = config.describe()
    lines = [f"dedup: {len(found)} inputs, {size:,} bytes -> {config.output}"]
    lines.append(
        f"MinHash, {about['bands']} bands of {about['rows']} rows; chance of a comparison by Jaccard:"
    )
    lines.append("  " + "  ".join(f"{s}: {p:.3f}" for s, p in about["collision_curve"].items()))
    return "\n".join(lines)


def inputs_of(config: DedupConfig) -> list[Mapping[str, Any]]:
    rank_expressions(config.survivor)  # a wrong order is told before any work
    if not config.input:
        raise UserError("input= is empty; give it a finished stage folder, or Parquet with id, url and text.")
    return [*(item for path in config.input for item in identify(path)), *index_inputs(config)]


@contextmanager
def small_batches(spark: SparkSession) -> Iterator[None]:
    """Smaller Arrow batches than elsewhere while the block runs."""
    before = {key: spark.conf.get(key, None) for key in _BATCHES}
    for key, value in _BATCHES.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)


def known_pages(spark: SparkSession, sketches: DataFrame, config: DedupConfig, scratch: Scratch) -> DataFrame:
    """The pages of the indexes that share something with a page of this run."""
    known = known_sketches(spark, config, lambda records: sketch(records, config))
    if known is None:
        return empty(spark)
    if any_sketched(config):
        known = scratch.save(known, "known")
    met = scratch.save(concerned(known, sketches), "concerned")
    scratch.facts["index_pages_met"] = met.count()
    return met


def any_sketched(config: DedupConfig) -> bool:
    """Whether an index has only texts, which are then sketched once and not for each question to it."""
    return any(not item.get("table", "").endswith(f"/{DEDUP_INDEX.name}") for item in index_inputs(config))


def group(sketches: DataFrame, known: DataFrame, config: DedupConfig, scratch: Scratch) -> DataFrame:
    """All pages, numbered from the best, each with the best page of its text."""
    new = sketches.withColumn("index", F.lit(""))
    pages = scratch.save(numbered(new.unionByName(known).select(*PAGES), config), "pages")
    return scratch.save(with_equals(pages), "groups")


def find_near(
    groups: DataFrame, sketches: DataFrame, known: DataFrame, config: DedupConfig, scratch: Scratch
) -> tuple[DataFrame, DataFrame]:
    """(removed, roots) among the pages that differ in text, and the facts of the search."""
    new = groups.where("index = ''")
    # Counted by characters, of which a text has no fewer than words: an upper bound.
    too_long = new.where(f"shingles = 0 and length > {config.max_words}")
    row = new.agg(F.min("node"), F.count(F.lit(1))).first()
    first_new, count = (row[0] or 0, row[1]) if row else (0, 0)
    distinct = groups.where("node = rep_node and size(bands) > 0").select(
        "node", *NAMES, "shingles", "bands", "sample_key"
    )
    stored = sketches.withColumn("index", F.lit("")).select(*NAMES, "hashes")
    stored = stored.unionByName(known.select(*NAMES, "hashes"))
    hashes = stored.join(distinct.select(*NAMES, "node"), list(NAMES)).select("node", "hashes")
    hashes = scratch.save(hashes, "hashes")  # each comparison asks for them by number
    removed, roots = near_duplicates(distinct, hashes, first_new, config, scratch)
    scratch.facts["texts_without_near_search_for_length"] = too_long.count()
    if config.sample:
        pages = sampled(distinct.where(f"node >= {first_new}"), hashes, removed, count, config)
        scratch.facts["sample"] = measure(pages, config.banding(), config.threshold, config.containment)
    return removed, roots


def sampled(
    pages: DataFrame, hashes: DataFrame, removed: DataFrame, count: int, config: DedupConfig
) -> list[SampledPage]:
    """About `sample` pages drawn by a hash that like pages share: see `MinHasher.sample_key`."""
    every = max(count // config.sample, 1)
    drawn = pages.where(f"sample_key % {every} = 0 and shingles <= {_LONGEST_IN_SAMPLE}")
    drawn = drawn.orderBy("sample_key", "node").limit(2 * config.sample)
    survivor = hashes.select(F.col("node").alias("survivor"), F.col("hashes").alias("of_survivor"))
    rows = drawn.join(hashes, "node").join(removed.selectExpr("removed node", "survivor"), "node", "left")
    rows = rows.join(survivor, "survivor", "left").select("node", "hashes", "bands", "of_survivor")
    return [
        SampledPage(
            row["node"],
            unpack(row["hashes"]),
            frozenset(row["bands"]),
            None if row["of_survivor"] is None else unpack(row["of_survivor"]),
        )
        for row in sorted(rows.collect(), key=lambda row: int(row["node"]))
    ]


def as_ledger(decisions: DataFrame) -> DataFrame:
    nothing = {"warc": F.lit(None).cast("string"), "offset": F.lit(None).cast("bigint")}
    return decisions.withColumns({"stage": F.lit("dedup"), "agent_score": F.col("score"), **nothing})


def typed(df: DataFrame, schema: Any) -> DataFrame:
    """The declared columns of `df` in their declared types."""
    return df.select(*(F.col(f.name).cast(f.dataType).alias(f.name) for f in from_arrow_schema(schema)))
