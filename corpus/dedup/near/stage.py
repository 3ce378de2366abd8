"""Near duplicates on DataFrames: buckets, candidate pairs, verified edges, components, leaders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from corpus.dedup import batches
from corpus.dedup.config import DedupConfig
from corpus.engine.errors import ForgeError


@dataclass(frozen=True)
class Scratch:
    """Where intermediate tables go (`Stage.scratch`), and what the run measures of itself on the way."""

    save: Callable[[DataFrame, str], DataFrame]
    facts: dict[str, Any] = field(default_factory=dict)


def near_duplicates(
    records: DataFrame, groups: DataFrame, config: DedupConfig, scratch: Scratch
) -> tuple[DataFrame, DataFrame]:
    """(removed: removed, kept_id, jaccard, containment; roots: id, root) among the pages that differ in text.

    A bucket with more pages than hubs gives a star, not a clique. Its pages that still stay meet again in the
    next round, with the next hubs, until no bucket has two such pages that were not compared, or the rounds
    end. Leaders are chosen anew from all verified edges each time: no round leaves a page without a survivor.
    """
    spark = records.sparkSession
    removed = spark.createDataFrame([], from_arrow_schema(batches.REMOVED))
    roots = spark.createDataFrame([], "id string, root string")
    reps = groups.where("id = rep and size(bands) > 0")
    members = reps.select("id", "rank", "shingles", F.explode("bands").alias("bucket"))
    placed = scratch.save(place(members), "members-1")
    hashes = scratch.save(shingle_sets(records, placed, config), "hashes")
    edges, compared, verified_pairs, hubs, number = None, 0, 0, config.hubs, 1
    while True:
        pairs = scratch.save(candidates(placed, hubs, config.threshold), f"pairs-{number}")
        found = scratch.save(verified(pairs, hashes, config), f"edges-{number}")
        new = found.count()
        compared, verified_pairs = compared + pairs.count(), verified_pairs + new
        if new:
            edges = found if edges is None else edges.unionByName(found)
            solve = solve_here if verified_pairs <= config.local_edges else solve_there
            removed, roots = solve(edges, scratch, config.component_rounds)
        over = placed.where(f"place > {hubs}").drop("place")
        if over.isEmpty():
            waiting = 0
            break
        gone = removed.select(F.col("removed").alias("id"))
        placed = scratch.save(place(over.join(gone, "id", "left_anti")), f"members-{number + 1}")
        waiting = placed.count()
        if not waiting or number == config.rounds:
            break
        number, hubs = number + 1, 2 * hubs
    facts = {"pairs_compared": compared, "pairs_verified": verified_pairs, "hub_rounds": number}
    scratch.facts.update(facts, bucket_rows_left_uncompared=waiting)
    return removed, roots


def shingle_sets(records: DataFrame, placed: DataFrame, config: DedupConfig) -> DataFrame:
    """The shingle sets of the pages that share a bucket with another.

    They are made again from the texts, since the sets of all pages would take more room than the texts do.
    """
    texts = records.select("id", "text").join(placed.select("id").distinct(), "id", "left_semi")
    return texts.mapInArrow(batches.shingle(config), from_arrow_schema(batches.SHINGLES))


def place(members: DataFrame) -> DataFrame:
    """The members of buckets with company, numbered from the best in each bucket."""
    bucket = Window.partitionBy("bucket")
    numbered = (
        members.withColumn("company", F.count(F.lit(1)).over(bucket)).where("company > 1").drop("company")
    )
    return numbered.withColumn("place", F.row_number().over(bucket.orderBy("rank")))


def candidates(placed: DataFrame, hubs: int, threshold: float) -> DataFrame:
    """Pairs (a, b) with their ranks, a the better one, that share a bucket in which a is among the hubs.

    Two sets can only reach the threshold if the smaller has that share of the larger one's size.
    """
    a = placed.where(f"place <= {hubs}").selectExpr(
        "bucket", "id a", "rank a_rank", "place pa", "shingles na"
    )
    b = placed.selectExpr("bucket", "id b", "rank b_rank", "place pb", "shingles nb")
    near_in_size = F.least("na", "nb") / F.greatest("na", "nb") >= threshold
    pairs = a.join(b, "bucket").where((F.col("pa") < F.col("pb")) & near_in_size)
    return pairs.select("a", "b", "a_rank", "b_rank").dropDuplicates(["a", "b"])


def verified(pairs: DataFrame, hashes: DataFrame, config: DedupConfig) -> DataFrame:
    """The pairs whose exact Jaccard similarity reaches the threshold, with the evidence."""
    of_a = hashes.select(F.col("id").alias("a"), F.col("hashes").alias("a_hashes"))
    of_b = hashes.select(F.col("id").alias("b"), F.col("hashes").alias("b_hashes"))
    both = pairs.join(of_b, "b").join(of_a, "a")
    return both.mapInArrow(batches.verify(config), from_arrow_schema(batches.EDGES))


def solve_here(edges: DataFrame, _scratch: Scratch, _rounds: int) -> tuple[DataFrame, DataFrame]:
    """(removed, roots) on the driver: a small graph is done before Spark has planned its first round."""
    spark = edges.sparkSession
    removed, roots = batches.solve(edges.toArrow())
    return spark.createDataFrame(removed), spark.createDataFrame(roots)


def solve_there(edges: DataFrame, scratch: Scratch, rounds: int) -> tuple[DataFrame, DataFrame]:
    """(removed, roots) on DataFrames: a graph of any size."""
    roots = components(edges.select("a", "b"), scratch, rounds)
    return scratch.save(leaders(edges, roots), "removed"), roots


def leaders(edges: DataFrame, roots: DataFrame) -> DataFrame:
    """The removed pages, each with the best page near to it that stays."""
    component = roots.select(F.col("id").alias("a"), F.col("root").alias("component"))
    sorted_edges = (
        edges.join(component, "a")
        .repartition("component")
        .sortWithinPartitions("component", "a_rank", "b_rank")
        .select("component", "a", "b", "jaccard", "containment")
    )
    return sorted_edges.mapInArrow(batches.remove, from_arrow_schema(batches.REMOVED))


def components(edges: DataFrame, scratch: Scratch, rounds: int) -> DataFrame:
    """(id, root): `root` is the smallest id of the connected component. Nodes without edges do not appear.

    By alternating large and small stars (Kiveris et al., Connected Components in MapReduce and Beyond, 2014).
    Raises ForgeError if the rounds do not suffice or the result is not what it must be.
    """
    stars = (
        edges.select(F.greatest("a", "b").alias("u"), F.least("a", "b").alias("v")).where("u <> v").distinct()
    )
    before: tuple[Any, ...] | None = None
    for number in range(rounds):
        stars = scratch.save(small_star(large_star(stars)), f"stars-{number}")
        now = tuple(
            stars.agg(F.count(F.lit(1)), F.sum(F.xxhash64("u", "v").cast("decimal(38,0)"))).first() or ()
        )
        if now == before:
            break
        before = now
    else:
        raise ForgeError(
            f"connected components were not ready after {rounds} rounds; raise component_rounds=."
        )
    scratch.facts["component_rounds"] = max(scratch.facts.get("component_rounds", 0), number + 1)
    leaves = stars.select(F.col("u").alias("id"), F.col("v").alias("root"))
    found = leaves.unionByName(leaves.select(F.col("root").alias("id"), "root").distinct())
    check_components(edges, found)
    return found


def large_star(edges: DataFrame) -> DataFrame:
    """Each node tells its larger neighbours the smallest of its neighbours and itself."""
    both = edges.unionByName(edges.select(F.col("v").alias("u"), F.col("u").alias("v")))
    least = F.least("u", F.min("v").over(Window.partitionBy("u")))
    return (
        both.withColumn("m", least)
        .where("v > u")
        .select(F.col("v").alias("u"), F.col("m").alias("v"))
        .distinct()
    )


def small_star(edges: DataFrame) -> DataFrame:
    """Each node tells its smaller neighbours and itself the smallest of them."""
    told = edges.withColumn("m", F.min("v").over(Window.partitionBy("u")))
    smaller = told.where("v <> m").select(F.col("v").alias("u"), F.col("m").alias("v"))
    return smaller.unionByName(told.select("u", F.col("m").alias("v"))).distinct()


def check_components(edges: DataFrame, found: DataFrame) -> None:
    """Both ends of each edge share a root, no root is larger than its nodes, each node has one root."""
    of_a = found.select(F.col("id").alias("a"), F.col("root").alias("ra"))
    of_b = found.select(F.col("id").alias("b"), F.col("root").alias("rb"))
    ends = edges.where("a <> b").join(of_a, "a", "left").join(of_b, "b", "left")
    wrong = ends.where("ra is null or rb is null or ra <> rb or ra > a or rb > b")
    if wrong.take(1) or found.groupBy("id").count().where("count > 1").take(1):
        raise ForgeError("connected components are inconsistent: the ends of an edge lie in two components.")
