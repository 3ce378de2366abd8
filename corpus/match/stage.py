"""Matching on DataFrames: seeds to an index, pages to scores, scores to a decision and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from corpus.dedup.graph.stage import Scratch
from corpus.engine.errors import UserError, nearest
from corpus.engine.manifest import Manifest
from corpus.engine.stage import Stage, read_table, stage_input
from corpus.engine.tables import EMBEDDINGS, INDEX, MAP
from corpus.match.config import MatchConfig
from corpus.match.encoding.names import identify, placed
from corpus.match.evaluation.left_out import left_out
from corpus.match.evaluation.stage import (
    default_weights,
    fit_labels,
    general_pages,
    labels_inputs,
    labels_of,
    wanted_margins,
)
from corpus.match.index.files import read_index
from corpus.match.index.stage import build_index
from corpus.match.neardup.stage import with_clusters
from corpus.match.score.settings import resolved
from corpus.match.score.stage import or_null, score
from corpus.match.select import stage as select
from corpus.match.select.combine import CLASSIFIERS, Weights
from corpus.match.select.features import Judge
from corpus.match.select.rule import Rule, thresholds_by_kind
from corpus.match.tables.stage import Seeds, describe, draw_map, write_tables

_OF_SEEDS = ("id", "text", "source", "kind", "title")


def run(config: MatchConfig) -> Manifest:
    """Match the pages of `input` to `seeds`; returns the manifest. Raises UserError and DataError."""
    stage = Stage.open("match", config, inputs_of(config))
    if stage.finished:
        return stage.finished
    config = replace(config, encoder=placed(config.encoder))
    Weights.of(config.weights)
    labels = labels_of(config)
    with stage.spark() as spark:
        threads = int(spark.conf.get("spark.task.cpus", "1") or 1)
        resolved(config, threads)  # a wrong name ends here, in one sentence
        pages = read_pages(spark, config.input)
        given = read_seeds(spark, config.seeds)
        check_kinds(given, config)
        built = build_index(given, config, stage, threads)
        found = score(pages, config, stage, threads)
        stage.write(found.embeddings, EMBEDDINGS)
        known = what_is_known(pages)
        seeds = seeds_of(stage, built.roles, given, found.fair.join(known, "id"), config)
        rows = stage.scratch(with_seeds(spark, found.rows, known, seeds), "judged")
        rule, facts = make_rule(rows, pages, seeds, labels, config)
        rows = select.combined(rows, rule.weights)
        scratch = Scratch(stage.scratch)
        vectors = found.rows.where("vector is not null").select("id", "vector")

        def clustered(left: DataFrame) -> DataFrame:
            return with_clusters(left, vectors, config.near, config.near_probes, scratch)

        decided = stage.scratch(select.decide(rows, rule, clustered, stage.scratch), "decided")
        kept_rows = write_tables(stage, decided, pages, seeds, config.crowded)
        extra = {INDEX.name: built.files}
        if config.map_points:
            extra[MAP.name], facts["map"] = draw_map(decided, vectors, pages, seeds, config, stage.folder)
        facts |= built.facts | found.facts | scratch.facts | describe(decided, seeds)
        records_in = decided.count()
        return stage.finish(spark, records_in=records_in, kept_rows=kept_rows, facts=facts, extra_files=extra)


def plan(config: MatchConfig) -> str:
    """What --dry-run prints."""
    Weights.of(config.weights)
    labels_of(config)
    found = inputs_of(config)
    size = sum(
        int(item.get("bytes", 0)) for item in found[len(config.seeds) : len(config.seeds) + len(config.input)]
    )
    labels = f"\nlabels: {', '.join(config.labels)}" if config.labels else ""
    return (
        f"match: {size:,} bytes of pages in {len(config.input)} inputs, against the seeds of "
        f"{', '.join(config.seeds)} "
        f"-> {config.output}\nencoder: {config.encoder} on {config.device}, {config.max_tokens} tokens"
        f"{labels}"
    )


def inputs_of(config: MatchConfig) -> list[dict[str, Any]]:
    """The seeds, the pages, the labels, the encoder by its content. Raises UserError for what is missing."""
    if not config.seeds or not config.input:
        lacking = "input=" if config.seeds else "seeds="
        raise UserError(f"{lacking} is empty; give it a finished stage folder.")
    pages = [stage_input(path, "pages") for path in config.input]
    seeds = [stage_input(folder, "seeds") for folder in config.seeds]
    earlier = [stage_input(folder, "embeddings") for folder in config.embeddings]
    return [*seeds, *pages, *earlier, *labels_inputs(config), *identify(config.encoder)]


def read_seeds(spark: SparkSession, folders: tuple[str, ...]) -> DataFrame:
    """The seeds of all folders; one that lies in several of them is there once."""
    tables = [read_table(spark, folder, "seeds").select(*_OF_SEEDS) for folder in folders]
    if len(tables) == 1:
        return tables[0]
    same = Window.partitionBy("id").orderBy(*_OF_SEEDS)
    numbered = reduce(DataFrame.unionByName, tables).withColumn("_same", F.row_number().over(same))
    return numbered.where("_same = 1").drop("_same")


def check_kinds(seeds: DataFrame, config: MatchConfig) -> None:
    """Raises UserError where `thresholds` or `quotas` name a kind that no seed has."""
    named = {kind: key for key in ("thresholds", "quotas") for kind in getattr(config, key)}
    if not named:
        return
    known = sorted(row[0] or "" for row in seeds.select("kind").distinct().collect())
    for kind, key in named.items():
        if kind not in known:
            raise UserError(f"{key} names the kind '{kind}', which no seed has: {nearest(kind, known)}")


def read_pages(spark: SparkSession, paths: tuple[str, ...]) -> DataFrame:
    """All inputs as one DataFrame. Raises UserError if two of them hold the same page."""
    frames = [read_table(spark, path, "pages") for path in paths]
    df = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)
    if len(frames) > 1 and not df.groupBy("id").count().where("count > 1").isEmpty():
        raise UserError(f"{' and '.join(paths)} share pages; run jobs/dedup.py over them first.")
    return df


def what_is_known(pages: DataFrame) -> DataFrame:
    """id, agent_score, second_score, host, side: what selection asks of a page beside its hits."""
    address = F.coalesce("url", F.lit(""))
    named = F.lower(F.regexp_extract(address, r"^[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)", 1))
    host = F.regexp_replace(named, r"^.*@|:\d*$", "").alias("host")
    scores = [or_null(pages, name, "float") for name in ("agent_score", "second_score")]
    found = pages.select("id", *scores, host)
    return found.withColumn("side", F.pmod(F.xxhash64("host"), F.lit(2)).cast("int"))


def seeds_of(stage: Stage, roles: DataFrame, given: DataFrame, fair: DataFrame, config: MatchConfig) -> Seeds:
    """The published index, and the general pages of this run held against it."""
    index = read_index(stage.folder)
    general = general_pages(fair, index.vectors, config.general)
    titles = given.select(F.col("id").alias("seed_id"), "title")
    return Seeds(index.seeds, index.vectors, general, roles.join(titles, "seed_id"))


def with_seeds(spark: SparkSession, scored: DataFrame, known: DataFrame, seeds: Seeds) -> DataFrame:
    """The pages with their features, and the seed that each resembles most by its name."""
    rows = select.judged(
        scored.drop("vector", "chunk_start", "chunk_end"), known, Judge(seeds.general.background)
    )
    names = seeds.frame(spark).select(
        F.col("seed_row"),
        F.col("seed_id").alias("match_seed_id"),
        F.col("source").alias("match_source"),
        F.col("kind").alias("match_kind"),
    )
    return rows.join(names, "seed_row", "left")


def make_rule(
    rows: DataFrame, pages: DataFrame, seeds: Seeds, labels: Mapping[str, Any] | None, config: MatchConfig
) -> tuple[Rule, dict[str, Any]]:
    """The numbers of the decision: those of the config, else fitted to labels and to sources left out."""
    columns = dict(zip(CLASSIFIERS, ("agent_score", "second_score")))
    lacking = [name for name, column in columns.items() if column not in pages.columns]
    weights, least = default_weights(config, lacking), config.min_combined
    sources = left_out(
        seeds.vectors,
        seeds.table["source"].to_pylist(),
        seeds.table["kind"].to_pylist(),
        seeds.general.vectors,
    )
    facts: dict[str, Any] = {"sources_left_out": sources.rows, "general_pages": len(seeds.general.vectors)}
    wanted = None
    if labels is not None:
        fitted = fit_labels(rows, labels, config)
        facts["evaluation"] = fitted.facts if fitted else None
        if fitted:
            weights, least = fitted.weights, fitted.threshold if least is None else least
        wanted = wanted_margins(rows, labels)
    thresholds: dict[str, float] = {}
    if config.recall is not None:
        of_seeds = (sources.kinds, sources.margins)
        thresholds = thresholds_by_kind(wanted, of_seeds, recall=config.recall, default=config.min_margin)
    thresholds |= config.thresholds
    facts["rule"] = {"thresholds": thresholds, "weights": weights.plain(), "min_combined": least}
    rule = Rule(
        min_score=config.min_score,
        min_margin=config.min_margin,
        thresholds=thresholds,
        weights=weights,
        min_combined=least,
        per_seed=config.per_seed,
        per_cluster=config.per_cluster,
        per_host=config.per_host,
        quotas=config.quotas,
    )
    return rule, facts
