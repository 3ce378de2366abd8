"""Selection on DataFrames: ranks in groups of any size, the combined score, and the one decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.match.select.combine import HOST_PAGES, Weights
from corpus.match.select.features import GIVEN, JUDGED, Judge
from corpus.match.select.rule import Rule

BINS = 2000  # to a unit of the value that is ranked by
_WHOLE = 1_000_000  # sums over hosts are of whole numbers: those do not depend on their order
_ALL = 1 << 62
Clustered = Callable[[DataFrame], DataFrame]
Save = Callable[[DataFrame, str], DataFrame]


def placed(rows: DataFrame, group: Sequence[str], value: str, tie: str = "id") -> DataFrame:
    """Adds `place`: the rank of each row in its group by falling `value`, from 1; of equals the lower `tie`.

    A window over a group would sort all of it in one task, and some groups are most of the crawl. So only
    rows of one bin of the value are sorted together; what lies in higher bins is a sum of counts. Exact.
    """
    binned = rows.withColumn("_bin", F.floor(F.col(value) * BINS))
    counts = binned.groupBy(*group, "_bin").agg(F.count(F.lit(1)).alias("_rows"))
    higher = Window.partitionBy(*group).orderBy(F.desc("_bin")).rowsBetween(Window.unboundedPreceding, -1)
    above = counts.withColumn("_above", F.coalesce(F.sum("_rows").over(higher), F.lit(0))).drop("_rows")
    inside = Window.partitionBy(*group, "_bin").orderBy(F.desc(value), tie)
    joined = binned.join(above, [*group, "_bin"])
    return joined.withColumn("place", F.col("_above") + F.row_number().over(inside)).drop("_bin", "_above")


def judged(scored: DataFrame, pages: DataFrame, judge: Judge) -> DataFrame:
    """The columns of both, and JUDGED: the seed that a page resembles most, and its features.

    `scored`: SCORED of corpus.match.score; `pages`: id, agent_score, second_score, host, side.
    """
    every = scored.join(pages, "id")
    found = every.select(*GIVEN).mapInArrow(judge.__call__, from_arrow_schema(JUDGED))
    return every.drop("nearest").join(found, "id")


def combined(rows: DataFrame, weights: Weights) -> DataFrame:
    """Adds `logit` and `combined_score` to pages with features; NAMES are columns, and `host` is one."""
    own = F.lit(weights.bias)
    for name, weight in weights.values.items():
        own = own + F.lit(weight) * F.col(name)
    rows = rows.withColumn("_own", F.round(own, 6))
    whole = F.round(F.col("_own") * _WHOLE).cast("long")
    of_host = rows.where("host <> '' and _own is not null").groupBy("host")
    sums = of_host.agg(F.sum(whole).alias("_sum"), F.count(F.lit(1)).alias("_pages"))
    others = (F.col("_sum") / _WHOLE - F.col("_own")) / (F.col("_pages") - 1 + HOST_PAGES)
    mean = F.coalesce(others, F.lit(0.0))
    logit = F.round(F.col("_own") + F.lit(weights.host) * mean + F.lit(weights.offset), 6)
    found = rows.join(sums, "host", "left").withColumn("logit", logit)
    held = F.greatest(F.least("logit", F.lit(50.0)), F.lit(-50.0))
    chance = F.when(F.col("logit").isNotNull(), F.lit(1.0) / (F.lit(1.0) + F.exp(-held)))
    return found.withColumn("combined_score", F.round(chance, 6).cast("float")).drop("_own", "_sum", "_pages")


def by_scores(rows: DataFrame, rule: Rule) -> DataFrame:
    """Adds `reason`: what a page's own scores say of it, empty for those that pass."""
    limit = F.lit(rule.min_margin)
    for kind, threshold in sorted(rule.thresholds.items()):
        limit = F.when(F.col("match_kind") == kind, F.lit(threshold)).otherwise(limit)
    far = F.col("match_score") < F.lit(rule.min_score).cast("float")
    ordinary = F.col("match_margin") < limit.cast("float")
    unlikely = F.lit(False) if rule.min_combined is None else F.col("combined_score") < rule.min_combined
    reason = (
        F.when(F.col("match_score").isNull() & F.col("coarse_score").isNull(), "empty")
        .when(F.col("match_score").isNull(), "coarse")
        .when(far, "match_score")
        .when(ordinary, "match_margin")
        .when(unlikely, "combined")
        .otherwise("")
    )
    return rows.withColumn("reason", reason)


def decide(rows: DataFrame, rule: Rule, clustered: Clustered, save: Save) -> DataFrame:
    """The one place where a page is kept or dropped: adds `reason` and `outcome`, and the clusters' columns.

    Scores come first. What passes is grouped into clusters of near-duplicates by `clustered`, then caps are
    applied one behind the other, each to what the one before has left, so that no place is lost to a page
    that another cap drops. Seeds take pages by their similarity; clusters, hosts and kinds by all scores.
    """
    scored = save(by_scores(rows, rule), "by_scores")
    dropped = [scored.where("reason <> ''")]
    left = clustered(scored.where("reason = ''"))
    for cap in _caps(rule):
        ranked = save(placed(left, [cap.group], cap.value), cap.reason)
        over = F.col("place") > cap.limit
        dropped.append(ranked.where(over).drop("place").withColumn("reason", F.lit(cap.reason)))
        left = ranked.where(~over).drop("place")
    every = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), [left, *dropped])
    return every.withColumn("outcome", F.when(F.col("reason") == "", "kept").otherwise("dropped"))


@dataclass(frozen=True)
class _Cap:
    """At most `limit` pages of each `group`, those with the highest `value`."""

    reason: str
    group: str
    value: str
    limit: Column


def _caps(rule: Rule) -> list[_Cap]:
    found = []
    if rule.per_cluster:
        found.append(_Cap("cluster_cap", "cluster_id", "logit", F.lit(rule.per_cluster)))
    if rule.per_seed:
        found.append(_Cap("seed_rank", "match_seed_id", "match_score", F.lit(rule.per_seed)))
    if rule.per_host:
        alone = F.col("host") == ""  # pages without a host have none in common
        found.append(_Cap("host_cap", "host", "logit", F.when(alone, F.lit(_ALL)).otherwise(rule.per_host)))
    if rule.quotas:
        limit = F.lit(_ALL)
        for kind, most in sorted(rule.quotas.items()):
            limit = F.when(F.col("match_kind") == kind, F.lit(most)).otherwise(limit)
        found.append(_Cap("kind_quota", "match_kind", "logit", limit))
    return found
