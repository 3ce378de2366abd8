"""The one place where a page is kept or dropped, and the check of all decisions."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from corpus.dedup.config import DedupConfig
from corpus.engine.errors import ForgeError


def decide(groups: DataFrame, repeats: DataFrame | None, removed: DataFrame, roots: DataFrame) -> DataFrame:
    """One row per record: id, url, score, outcome, reason and, where dropped, survivor and evidence."""
    rep = ("rep_node", "rep_id", "rep_digest", "rep_url_key", "rep_index")
    new = groups.where("index = ''")
    pages = new.select("id", "url", "score", "node", "digest", "url_key", *rep, F.lit(False).alias("again"))
    names = groups.selectExpr("node survivor", "id survivor_id", "`index` survivor_index")
    survivors = removed.join(names, "survivor").drop("survivor")
    if repeats is None:
        return with_evidence(pages, survivors, roots)
    again = repeats.where("same").drop("same").join(new.select("id", "node", "digest", "url_key", *rep), "id")
    pages = pages.unionByName(again.withColumn("again", F.lit(True)))
    conflicts = repeats.where("not same").select("id", "url", "score")
    failed = conflicts.withColumns({"outcome": F.lit("failed"), "reason": F.lit("id_conflict")})
    return with_evidence(pages, survivors, roots).unionByName(failed, allowMissingColumns=True)


def with_evidence(pages: DataFrame, removed: DataFrame, roots: DataFrame) -> DataFrame:
    """Outcome, reason, survivor, similarity and cluster of each page.

    Of two pages with the same normalised text the relation says what else they share: the payload, or the
    address. Where the best page of a text is itself removed, those with its text go with it, on its evidence.
    """
    rows = pages.join(removed, pages.rep_node == removed.removed, "left")
    rows = rows.join(roots.withColumnRenamed("node", "rep_node"), "rep_node", "left")
    equal = F.col("node") != F.col("rep_node")
    relation = (
        F.when(F.col("removed").isNotNull(), "near")
        .when(F.col("again") | (equal & (F.col("digest") == F.col("rep_digest"))), "payload")
        .when(equal & (F.col("url_key") == F.col("rep_url_key")), "url")
        .when(equal, "text")
    )
    rows = rows.withColumns({"root": F.coalesce("root", "rep_node"), "relation": relation})
    cluster, whole = Window.partitionBy("root"), F.lit(1.0)
    return rows.select(
        "id",
        "url",
        "score",
        F.when(F.col("relation").isNull(), "kept").otherwise("dropped").alias("outcome"),
        F.coalesce(F.concat(F.lit("duplicate_"), "relation"), F.lit("")).alias("reason"),
        F.coalesce("survivor_id", "rep_id").alias("kept_id"),
        F.coalesce("survivor_index", "rep_index").alias("index"),
        "relation",
        F.coalesce("jaccard", whole).alias("jaccard"),
        F.coalesce("containment", whole).alias("containment"),
        F.min("id").over(cluster).alias("cluster_id"),
        F.count(F.lit(1)).over(cluster).alias("cluster_size"),
    )


def check(decisions: DataFrame, config: DedupConfig) -> None:
    """Each dropped page names a page that is kept, or one of an index, and evidence that suffices.

    Raises ForgeError: nothing is published on a fault of the program.
    """
    dropped = decisions.where("outcome = 'dropped'")
    kept = decisions.where("outcome = 'kept'").select(F.col("id").alias("kept_id"))
    orphans = dropped.where("`index` = ''").join(kept, "kept_id", "left_anti").select("id")
    near_enough = F.col("jaccard") >= config.threshold
    if config.containment is not None:
        near_enough = near_enough | (F.col("containment") >= config.containment)
    wrong = orphans.unionByName(dropped.where(~F.coalesce(near_enough, F.lit(False))).select("id")).first()
    if wrong:
        raise ForgeError(f"page {wrong['id']} was removed without a survivor that stays and is near to it.")
