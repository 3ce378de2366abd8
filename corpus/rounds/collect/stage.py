"""Spark's part of collecting: counts of a round, and the labels that follow from its review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.parquet import PartWriter
from corpus.engine.stage import read_table
from corpus.engine.tables import ROUND_LABELS, SCORED
from corpus.harvest.address import site_of
from corpus.rounds.config import RoundsConfig
from corpus.rounds.history import Gathered, Measured
from corpus.rounds.place import Known, Round
from corpus.rounds.review.model import ACCEPT, REJECT, Review
from corpus.rounds.review.stage import marked

POSITIVE, NEGATIVE = "positive", "negative"
BACKGROUND = "background"
MOST_BACKGROUND_OF_SITE = 150
_SIGNS = {ACCEPT: POSITIVE, REJECT: NEGATIVE, "yes": POSITIVE, "no": NEGATIVE, "stub": NEGATIVE}
_PLACE = ["id", "warc", "offset"]
_APART = "\x1f"


def measured(
    spark: SparkSession, config: RoundsConfig, found: Round, before: Round | None, known: Known
) -> Measured:
    """What the scores of a round say beside those of the round `before`, prior to the round's review."""

    def compute() -> dict[str, Any]:
        earlier = read_table(spark, before.scores, SCORED.name) if before else None
        scored = read_table(spark, found.scores, SCORED.name)
        return asdict(measure(scored, earlier, known.tags(), config.min_hits))

    digest = manifest.read(before.scores).digest() if before else ""
    wanted = {"before": digest, "known": known.tags(), "min_hits": config.min_hits}
    return Measured(**found.remember("measured", wanted, compute))


def measure(scored: DataFrame, before: DataFrame | None, tags: Mapping[str, str], min_hits: int) -> Measured:
    """`tags`: decided prefixes with their decisions. A site counts as collected with at least `min_hits`
    collected pages."""
    pages = marked(scored, tags).withColumn("vetted", F.col("tag") == ACCEPT)
    was_hit: Column = F.lit(False)
    if before is not None:
        pages = pages.join(before.select(*_PLACE, F.col("hit").alias("before")), _PLACE, "left")
        was_hit = F.coalesce("before", F.lit(False))
    old = (F.col("vetted") | was_hit) if before is not None else F.lit(False)
    pages = pages.withColumn("old", old).withColumn("collected", F.col("vetted") | F.col("hit"))
    sums = {
        "pages": F.lit(True),
        "hits": F.col("hit"),
        "collected": F.col("collected"),
        "new_pages": F.col("collected") & ~F.col("old"),
        "old": F.col("old"),
        "vetted": F.col("vetted"),
        "vetted_hits": F.col("vetted") & F.col("hit"),
    }
    by_site = pages.groupBy("site").agg(*(F.sum(v.cast("long")).alias(name) for name, v in sums.items()))
    there, was_there = F.col("collected") >= min_hits, F.col("old") >= min_hits
    totals = by_site.agg(
        *(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in sums),
        F.count(F.when(there, 1)).alias("sites"),
        F.count(F.when(there & ~was_there, 1)).alias("new_sites"),
    ).collect()[0]
    recall = totals["vetted_hits"] / totals["vetted"] if totals["vetted"] else None
    names = ("pages", "hits", "collected", "new_pages", "sites", "new_sites")
    return Measured(**{name: int(totals[name]) for name in names}, recall_before=recall)


def gathered(
    spark: SparkSession, config: RoundsConfig, found: Round, review: Review, known: Known
) -> Gathered:
    """Write the round's labels and say what they hold; `known` includes the decisions of this round.

    Raises UserError where they hold but one of the two classes.
    """
    if found.used:  # later settings hold for later rounds
        return Gathered(**found.recall("gathered"))
    wanted: dict[str, Any] = {"known": asdict(known), "seed": config.seed}
    names = ("most_per_prefix", "clean_share", "cleaned", "negatives")
    wanted |= {name: getattr(config, name) for name in names}
    wanted["file"] = True
    if not storage.exists(found.labels_path):
        found.forget("gathered")

    def compute() -> dict[str, Any]:
        scored = read_table(spark, found.scores, SCORED.name)
        table = labels(scored, known, config)
        _write(found, table, given=bool(config.labels))
        return asdict(_tell(scored, table, review, known))

    result = Gathered(**found.remember("gathered", wanted, compute))
    found.remember("review", {"digest": review.digest()}, review.digest)
    return result


def labels(scored: DataFrame, known: Known, config: RoundsConfig) -> pa.Table:
    """The rows of ROUND_LABELS, one for each address.

    Verdicts on single pages go before decisions on prefixes. Background negatives are pages under the
    threshold on sites that hold hardly any hit and no prefix that was decided on, but for those with the
    highest scores; `negatives` of them at most for each positive. `skip` gives no labels.
    """
    signs = {p: f"{_SIGNS.get(d, '')}{_APART}round {n:02d}" for p, (d, n) in known.prefixes.items()}
    shuffled = F.sha2(F.concat_ws(_APART, F.lit(str(config.seed)), "id"), 256)
    pages = marked(scored, signs).withColumn("missed", ~F.col("hit"))
    said = F.split("tag", _APART)
    at = F.row_number().over(Window.partitionBy("prefix").orderBy(shuffled, *_PLACE))
    ruled = pages.where("prefix <> ''").withColumns({"label": said[0], "given_by": said[1], "at": at})
    ruled = ruled.withColumn("verdict", F.lit(None).cast("string"))
    ruled = ruled.where((F.col("at") <= config.most_per_prefix) & (F.col("label") != ""))
    background = _background(pages, config, shuffled)
    own = scored.sparkSession.createDataFrame(_read_rows(known), _TYPES)
    columns = [*ROUND_LABELS.schema.names, "rank", "id"]
    everything = own.unionByName(ruled.withColumn("rank", F.lit(2)).select(*columns))
    everything = everything.unionByName(background.withColumn("rank", F.lit(3)).select(*columns))
    first = Window.partitionBy("url").orderBy("rank", "id", "label")
    once = everything.withColumn("_n", F.row_number().over(first)).where("_n = 1").drop("_n")
    positives = once.where(F.col("label") == POSITIVE).count()
    drawn = F.row_number().over(Window.partitionBy("rank").orderBy(F.sha2("url", 256), "url"))
    few = (F.col("rank") < 3) | (F.col("at") <= int(config.negatives * positives))
    kept = once.withColumn("at", drawn).where(few).orderBy("site", "url", "label")
    return kept.select(*ROUND_LABELS.schema.names).toArrow().cast(ROUND_LABELS.schema)


def recall(scored: DataFrame, tags: Mapping[str, str]) -> float | None:
    """Share of the pages whose longest prefix is accepted that are hits; None where there are none."""
    inside = marked(scored, tags).where(F.col("tag") == ACCEPT)
    found = inside.agg(F.count("*").alias("n"), F.sum(F.col("hit").cast("long")).alias("hits")).collect()[0]
    return found["hits"] / found["n"] if found["n"] else None


def _tell(scored: DataFrame, table: pa.Table, review: Review, known: Known) -> Gathered:
    rows = table.select(["label", "given_by", "missed", "prefix"]).to_pylist()
    positives = [row for row in rows if row["label"] == POSITIVE]
    tags = known.tags()
    own = {p: d if known.prefixes[p][1] == review.round else f"{d} before" for p, d in tags.items()}
    judged = [asked.wanted for asked in review.sample if asked.wanted]
    return Gathered(
        accepted=len(review.decided(ACCEPT)),
        rejected=len(review.decided(REJECT)),
        positives=len(positives),
        negatives=sum(row["label"] == NEGATIVE for row in rows),
        missed=sum(row["missed"] and row["prefix"] != "" for row in positives),
        recall_vetted=recall(scored, tags),
        recall_new=recall(scored, own),
        precision_sample=len(judged),
        precision=judged.count("yes") / len(judged) if judged else None,
    )


def _background(pages: DataFrame, config: RoundsConfig, shuffled: Column) -> DataFrame:
    by_site = pages.groupBy("site").agg(
        F.count("*").alias("n"),
        F.sum(F.col("hit").cast("long")).alias("hits"),
        F.max(F.col("prefix") != "").alias("decided"),
    )
    clean = by_site.where((F.col("hits") <= config.clean_share * F.col("n")) & ~F.col("decided")).select(
        "site"
    )
    others = pages.where("not hit").join(clean, "site", "left_semi")
    top = others.agg(F.percentile("agent_score", F.lit(1 - config.cleaned)).alias("top")).collect()[0]["top"]
    others = others.where(F.col("agent_score") <= F.lit(top))
    at = F.row_number().over(Window.partitionBy("site").orderBy(shuffled, *_PLACE))
    few = others.withColumn("at", at).where(F.col("at") <= MOST_BACKGROUND_OF_SITE)
    told = {"label": F.lit(NEGATIVE), "given_by": F.lit(BACKGROUND), "verdict": F.lit(None).cast("string")}
    return few.withColumns(told)


_TYPES = (
    "url string, label string, verdict string, site string, given_by string, prefix string, "
    "agent_score float, missed boolean, rank int, id string"
)


def _read_rows(known: Known) -> list[tuple[Any, ...]]:
    return [
        (url, _SIGNS[verdict], verdict, site_of(url), f"round {number:02d}", "", None, False, 1, "")
        for url, (verdict, number) in sorted(known.verdicts.items())
    ]


def _write(found: Round, table: pa.Table, *, given: bool) -> None:
    """`given`: there are labels of the user's own, which may well hold the class that is missing here."""
    there = set(table.column("label").to_pylist())
    if POSITIVE in there and NEGATIVE not in there and not given:
        raise UserError(
            f"the labels of round {found.number:02d} hold no negatives: reject a prefix in "
            f"{found.review_path}, give labels=, or raise clean_share."
        )
    folder, _, name = found.labels_path.rpartition("/")
    with PartWriter(folder, name, ROUND_LABELS.schema) as writer:
        for batch in table.to_batches():
            writer.write(batch)
