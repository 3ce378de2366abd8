"""Matching on DataFrames: balance and encode the seeds, score the pages, decide, write the tables."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest, OutputFile
from corpus.engine.stage import Stage, read_table, stage_input
from corpus.engine.tables import INDEX, LEDGER, MAP, MATCHED_PAGES, SEED_HITS
from corpus.match import batches
from corpus.match.config import MatchConfig
from corpus.match.encoder import identify, load_encoder, placed, reach
from corpus.match.index import SEEDS, read_index, write_index
from corpus.match.seedmap import map_points, unpack, write_map

_QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_OF_SEEDS = ("id", "text", "source", "kind", "title")
_ADDED = ("match_score", "match_seed_id", "match_source", "match_kind", "match_rank")


def run(config: MatchConfig) -> Manifest:
    """Match the pages of `input` to `seeds`; returns the manifest. Raises UserError and DataError."""
    stage = Stage.open("match", config, inputs_of(config))
    if stage.finished:
        return stage.finished
    config = replace(config, encoder=placed(config.encoder))
    load_encoder(config.encoder, config.max_tokens, config.device)  # a wrong name ends here, in one sentence
    with stage.spark() as spark:
        threads = int(spark.conf.get("spark.task.cpus", "1") or 1)
        seeds = read_seeds(spark, config.seeds)
        balanced = balance(seeds, config.max_seeds_per_source)
        extra = {INDEX.name: build_index(balanced, config, stage, threads)}
        pages = read_pages(spark, config.input)
        scored = decide(stage.scratch(score(pages, config, stage, threads), "scored"), config)
        rank = Window.partitionBy("match_seed_id").orderBy(F.desc("match_score"), "id")
        kept = scored.where("outcome = 'kept'").withColumn(
            "match_rank", F.row_number().over(rank).cast("int")
        )
        matched = pages.drop(*_ADDED).join(kept.select("id", *_ADDED), "id")
        kept_rows = stage.write(matched, MATCHED_PAGES)
        stage.write(seed_hits(spark, kept, stage.folder), SEED_HITS)
        stage.write(as_ledger(scored), LEDGER)
        if config.map_points:
            extra[MAP.name] = build_map(scored, pages, config, stage.folder)
        facts = {"encoder": stage.settings["encoder"]} | describe(scored, seeds, config, stage.folder)
        records_in = scored.count()
        return stage.finish(spark, records_in=records_in, kept_rows=kept_rows, facts=facts, extra_files=extra)


def plan(config: MatchConfig) -> str:
    """What --dry-run prints."""
    size = sum(int(item.get("bytes", 0)) for item in inputs_of(config)[len(config.seeds) :])
    return (
        f"match: {size:,} bytes of pages in {len(config.input)} inputs, against the seeds of "
        f"{', '.join(config.seeds)} "
        f"-> {config.output}\nencoder: {config.encoder} on {config.device}, {config.max_tokens} tokens"
    )


def inputs_of(config: MatchConfig) -> list[dict[str, Any]]:
    """The seeds, the pages, and the encoder by its content. Raises UserError for what cannot be used."""
    if not config.seeds or not config.input:
        lacking = "input=" if config.seeds else "seeds="
        raise UserError(f"{lacking} is empty; give it a finished stage folder.")
    pages = [stage_input(path, "pages") for path in config.input]
    seeds = [stage_input(folder, "seeds") for folder in config.seeds]
    return [*seeds, *pages, *identify(config.encoder)]


def read_seeds(spark: SparkSession, folders: tuple[str, ...]) -> DataFrame:
    """The seeds of all folders; one that lies in several of them is there once."""
    tables = [read_table(spark, folder, "seeds").select(*_OF_SEEDS) for folder in folders]
    if len(tables) == 1:
        return tables[0]
    same = Window.partitionBy("id").orderBy(*_OF_SEEDS)
    numbered = reduce(DataFrame.unionByName, tables).withColumn("_same", F.row_number().over(same))
    return numbered.where("_same = 1").drop("_same")


def read_pages(spark: SparkSession, paths: tuple[str, ...]) -> DataFrame:
    """All inputs as one DataFrame. Raises UserError if two of them hold the same page."""
    frames = [read_table(spark, path, "pages") for path in paths]
    df = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)
    if len(frames) > 1 and not df.groupBy("id").count().where("count > 1").isEmpty():
        raise UserError(f"{' and '.join(paths)} share pages; run jobs/dedup.py over them first.")
    return df


def balance(seeds: DataFrame, most: int) -> DataFrame:
    """At most `most` seeds per source, in the order of a hash of their ids.

    Columns: seed_id, source, kind, title, text. Seeds without text, and repeats of a text,
    are left out before.
    """
    same = Window.partitionBy(F.md5("text")).orderBy("id")
    drawn = Window.partitionBy("source").orderBy(F.xxhash64("id"), "id")
    unique = seeds.where("trim(text) <> ''").withColumn("_same", F.row_number().over(same)).where("_same = 1")
    taken = unique.withColumn("_drawn", F.row_number().over(drawn)).where(F.col("_drawn") <= most)
    return taken.select(F.col("id").alias("seed_id"), "source", "kind", "title", "text")


def build_index(seeds: DataFrame, config: MatchConfig, stage: Stage, threads: int) -> list[OutputFile]:
    """Encode the seeds on the executors and publish the index that the pages are scored with."""
    size = reach(config.max_tokens, 1)
    narrow = seeds.withColumn("text", F.substring("text", 1, size)).repartition(tasks(seeds, 1), "seed_id")
    encoded = narrow.mapInArrow(batches.encode_seeds(config, threads), from_arrow_schema(batches.ENCODED))
    found = stage.scratch(encoded, "seeds").orderBy("seed_id").toArrow()
    if not found.num_rows:
        raise UserError(f"{', '.join(config.seeds)}: no seed with text; there is nothing to match pages to.")
    vectors = unpack(found.column("vector").to_pylist()).astype(np.float16)
    return write_index(stage.folder, found.select(INDEX.schema.names), vectors)


def tasks(df: DataFrame, parts: int) -> int:
    """Tasks to encode in: enough for every core twice, and no longer than a few minutes each."""
    return max(2 * df.sparkSession.sparkContext.defaultParallelism, 16 * (parts - 1))


def score(pages: DataFrame, config: MatchConfig, stage: Stage, threads: int) -> DataFrame:
    """SCORED rows. Only the beginnings of the texts move."""
    begin = F.substring("text", 1, reach(config.max_tokens, config.max_chunks)).alias("text")
    columns = [or_null(pages, "agent_score", "float"), or_null(pages, "title", "string"), begin]
    narrow = pages.select("id", "url", *columns).repartition(tasks(pages, stage.parts), "id")
    function = batches.score_pages(config, stage.folder, threads)
    return narrow.mapInArrow(function, from_arrow_schema(batches.SCORED))


def or_null(df: DataFrame, name: str, kind: str) -> Column:
    return (F.col(name) if name in df.columns else F.lit(None)).cast(kind).alias(name)


def decide(scored: DataFrame, config: MatchConfig) -> DataFrame:
    """The one place where a page is kept or dropped."""
    near = F.col("match_score") >= F.lit(config.min_score).cast("float")
    reason = F.when(F.col("match_score").isNull(), "empty").when(near, "").otherwise("match_score")
    decided = scored.withColumn("reason", reason)
    return decided.withColumn("outcome", F.when(F.col("reason") == "", "kept").otherwise("dropped"))


def seed_hits(spark: SparkSession, kept: DataFrame, folder: str) -> DataFrame:
    """The seeds that found pages, with the number of pages and the best score."""
    seeds = spark.read.parquet(storage.spark_path(storage.join(folder, INDEX.name, SEEDS)))
    hits = kept.groupBy(F.col("match_seed_id").alias("seed_id")).agg(
        F.count(F.lit(1)).cast("int").alias("pages"), F.max("match_score").alias("best_score")
    )
    return seeds.join(hits, "seed_id")


def as_ledger(scored: DataFrame) -> DataFrame:
    names = ("id", "url", "outcome", "reason", "agent_score")
    nothing = {"warc": F.lit(None).cast("string"), "offset": F.lit(None).cast("bigint")}
    return scored.select(*names).withColumns({"stage": F.lit("match"), **nothing})


def build_map(scored: DataFrame, pages: DataFrame, config: MatchConfig, folder: str) -> list[OutputFile]:
    """Project a sample that is drawn in the order of a hash of the ids."""
    order = Window.partitionBy("outcome").orderBy(F.xxhash64("id"), "id")
    drawn = scored.where("match_score is not null").withColumn("_drawn", F.row_number().over(order))
    sample = drawn.where(F.col("_drawn") <= config.map_points).join(
        pages.select("id", or_null(pages, "source", "string")), "id"
    )
    similar = F.col("match_score").alias("similarity")
    points = sample.select("id", F.col("outcome").alias("group"), "source", similar, "vector").orderBy(
        "group", "id"
    )
    return write_map(folder, map_points(read_index(folder), points.toArrow(), config.map_points))


def describe(scored: DataFrame, seeds: DataFrame, config: MatchConfig, folder: str) -> dict[str, Any]:
    """What the run measured: the scores' distribution, the balance of the seeds."""
    quantiles = scored.agg(F.percentile("match_score", F.array(*(F.lit(q) for q in _QUANTILES)))).first()
    values = (quantiles[0] if quantiles else None) or []
    index = read_index(folder)
    sources = index.seeds.group_by("source").aggregate([("seed_id", "count")]).sort_by("source")
    hit = scored.where("outcome = 'kept'").select("match_seed_id").distinct().count()
    return {
        "dimensions": int(index.vectors.shape[1]),
        "min_score": config.min_score,
        "score_quantiles": {f"{q:g}": round(v, 4) for q, v in zip(_QUANTILES, values)},
        "seeds": seeds.count(),
        "seeds_used": len(index.vectors),
        "seeds_used_by_source": dict(
            zip(sources["source"].to_pylist(), sources["seed_id_count"].to_pylist())
        ),
        "seeds_without_pages": len(index.vectors) - hit,
    }
