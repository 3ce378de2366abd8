"""Spark's part of the label job: records, votes of files, rules and seeds, the sample, tables and ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.engine.endpoint.client import REFUSED, UNAVAILABLE, VIOLATION
from corpus.engine.manifest import Manifest
from corpus.engine.stage import Stage, stage_input
from corpus.engine.tables import LABELS, LEDGER, OPINIONS
from corpus.labels import asking
from corpus.labels.compare.stage import (
    VOTES,
    agreements,
    counts_of,
    decide,
    one_vote_for_each_giver,
    row_of,
)
from corpus.labels.config import LabelConfig
from corpus.labels.given import Given, gather
from corpus.labels.pages import FAILED
from corpus.labels.planning import describe
from corpus.labels.read.stage import FROM_SEED, PAGE, read_records, seed_giver, table_of
from corpus.labels.rules import Rules
from corpus.labels.sample.stage import choose, unlabelled
from corpus.labels.votes import AMBIGUOUS, ENDPOINT, POSITIVE, RANDOM, UNLABELLED

NO_VOTE, NOT_SAMPLED = (
    "no_vote",
    "not_sampled",
)  # nobody says anything of it; of the pages: no model was asked
_UNANSWERED = (VIOLATION, REFUSED, UNAVAILABLE)


def run(config: LabelConfig) -> Manifest:
    """Label what is given into the finished stage folder `config.output`."""
    given = gather(config)
    stage = Stage.open("labels", config, identities(config, given))
    if stage.finished:
        return stage.finished
    with stage.spark() as spark:
        records = stage.scratch(with_site(read_records(spark, given, config, stage)), "records")
        votes = stage.scratch(votes_of(spark, records, given), "votes")
        pages = records.where((F.col("reason") == "") & (F.col("origin") == PAGE))
        sample = stage.scratch(_sample(pages, votes, config), "sample")
        total = sample.count()
    asked = ask(sample, total, given, config)
    with stage.spark() as spark:
        votes = votes.unionByName(_frame(spark, [row_of(url, vote) for url, vote in asked.votes]))
        if config.unlabelled:
            taken = votes.select("url").unionByName(sample.select("url"))
            votes = votes.unionByName(_random(unlabelled(pages, taken, config)))
        votes = stage.scratch(one_vote_for_each_giver(votes), "all_votes")
        resolved = stage.scratch(decide(votes, config, given.places()), "resolved")
        kept = stage.write(labels_of(records, resolved, sample), LABELS)
        stage.write(opinions_of(spark, votes, given, config), OPINIONS)
        stage.write(ledger_of(spark, records, resolved, asked.reasons), LEDGER)
        facts = {
            **counts_of(resolved),
            "labellers": asked.facts,
            "sample": {row["sample"]: row["count"] for row in sample.groupBy("sample").count().collect()},
            "agreement": [{**found.facts(), "apart": apart} for found, apart in agreements(votes)],
        }
        return stage.finish(spark, records_in=records.count(), kept_rows=kept, facts=facts)


def plan(config: LabelConfig) -> str:
    """What --dry-run prints."""
    return describe(config, gather(config))


def identities(config: LabelConfig, given: Given) -> list[Mapping[str, Any]]:
    stages = [stage_input(folder, table_of(folder)) for folder in given.stages]
    return [*stages, *([stage_input(config.seeds, "seeds")] if config.seeds else []), *given.identities()]


def with_site(records: DataFrame) -> DataFrame:
    """The host, or the start of the address where it has none: as the classifier groups pages."""
    host = F.lower(F.regexp_extract("url", r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?([^/?#:]+)", 1))
    plain = F.regexp_replace(host, r"\.$", "")
    return records.withColumn("site", F.when(plain != "", plain).otherwise(F.substring("url", 1, 60)))


def votes_of(spark: SparkSession, records: DataFrame, given: Given) -> DataFrame:
    """VOTES of files, rules and seeds on the addresses that can be labelled."""
    told = [row_of(url, vote) for votes in given.file_votes.values() for url, vote in votes.items()]
    votes = _frame(spark, told)
    seeds = records.where((F.col("origin") == FROM_SEED) & (F.col("reason") != "seed_kind"))
    positive = seeds.select("url", seed_giver().alias("given_by"), F.lit(POSITIVE).alias("label"))
    votes = votes.unionByName(_whole(positive))
    if len(given.rules):
        addresses = records.where("reason = ''").select("url")
        votes = votes.unionByName(by_rules(addresses, given.rules))
    return votes


def by_rules(addresses: DataFrame, rules: Rules) -> DataFrame:
    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            pairs = ((url, rules.vote(url)) for url in batch.column("url").to_pylist())
            rows = [row_of(url, vote) for url, vote in pairs if vote is not None]
            yield pa.RecordBatch.from_pylist(rows, schema=VOTES)

    return addresses.mapInArrow(work, from_arrow_schema(VOTES))


def ask(sample: DataFrame, total: int, given: Given, config: LabelConfig) -> asking.Asked:
    """Ask the models, page by page as they come from Spark: the driver never holds all texts."""
    ordered = sample.orderBy("position").select("url", "text")

    def pages() -> Iterator[asking.Shown]:
        for row in ordered.toLocalIterator(prefetchPartitions=True):
            yield {"url": row["url"], "text": row["text"]}

    return asking.ask_all(pages, total, given.rubrics, config)


def labels_of(records: DataFrame, resolved: DataFrame, sample: DataFrame) -> DataFrame:
    """One row for each address that has a label."""
    held = records.where("reason = ''").select("id", "url", F.col("site").alias("_host"), "agent_score")
    joined = held.join(resolved.drop("against"), "url").join(sample.select("url", "sample"), "url", "left")
    # a verdict that does not count would be read as the closer look; the opinions keep it
    counts = F.when(F.col("label") != AMBIGUOUS, F.col("verdict"))
    return joined.withColumns({"site": F.coalesce("site", "_host"), "verdict": counts}).drop("_host")


def opinions_of(spark: SparkSession, votes: DataFrame, given: Given, config: LabelConfig) -> DataFrame:
    names = [
        (f"{ENDPOINT}:{name}", labeller.model, given.rubrics[name].version)
        for name, labeller in config.labellers.items()
    ]
    models = spark.createDataFrame(names, "given_by string, model string, rubric string")
    return votes.drop("site").join(F.broadcast(models), "given_by", "left")


def ledger_of(
    spark: SparkSession,
    records: DataFrame,
    resolved: DataFrame,
    unanswered: Mapping[str, str],
) -> DataFrame:
    """One row for each record: labelled, or why not."""
    reasons = spark.createDataFrame(sorted(unanswered.items()), "url string, unanswered string")
    joined = records.select("id", "url", "agent_score", "warc", "offset", "reason", "origin")
    joined = joined.join(resolved.select("url", "label"), "url", "left").join(reasons, "url", "left")
    silent = F.when(F.col("origin") == PAGE, NOT_SAMPLED).otherwise(NO_VOTE)
    why = (
        F.when(F.col("reason") != "", F.col("reason"))
        .when(F.col("label").isNotNull(), "")
        .otherwise(F.coalesce("unanswered", silent))
    )
    failed = F.col("reason").isin(*sorted(FAILED), *_UNANSWERED)
    outcome = F.when(F.col("reason") == "", "kept").when(failed, "failed").otherwise("dropped")
    decided = joined.withColumn("reason", why).withColumn("outcome", outcome)
    return decided.withColumn("stage", F.lit("labels")).select(*LEDGER.schema.names)


def _sample(pages: DataFrame, votes: DataFrame, config: LabelConfig) -> DataFrame:
    """The pages that are asked about, with their texts."""
    narrow = pages.select("id", "url", "site", "agent_score")
    if not config.labellers:
        return narrow.limit(0).withColumns(
            {"sample": F.lit("").cast("string"), "position": F.lit(0), "text": F.lit("")}
        )
    chosen = choose(narrow, votes.select("url").distinct(), config)
    return chosen.join(pages.select("url", "text"), "url")


def _random(urls: DataFrame) -> DataFrame:
    return _whole(urls.withColumns({"given_by": F.lit(RANDOM), "label": F.lit(UNLABELLED)}))


def _whole(votes: DataFrame) -> DataFrame:
    """With all columns of VOTES, null where they are missing."""
    there = set(votes.columns)
    schema = from_arrow_schema(VOTES)
    return votes.select(
        *((F.col(f.name) if f.name in there else F.lit(None)).cast(f.dataType).alias(f.name) for f in schema)
    )


def _frame(spark: SparkSession, rows: list[dict[str, Any]]) -> DataFrame:
    ordered = [tuple(row[name] for name in VOTES.names) for row in rows]
    return spark.createDataFrame(ordered, from_arrow_schema(VOTES))
