"""Graphs of verified pairs on DataFrames: connected components, and in each the pages that go."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from corpus.dedup import batches
from corpus.dedup.config import DedupConfig
from corpus.engine.errors import ForgeError, UserError

GRAPHFRAMES = (
    "components=graphframes needs the Python package graphframes-py and its jar on Spark's class path "
    "({}); start with spark-submit --packages io.graphframes:graphframes-spark4_2.13:VERSION, or leave "
    "components=dataframes."
)


def say(line: str) -> None:
    print(f"dedup: {line}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Scratch:
    """Where intermediate tables go (`Stage.scratch`), and what the run measures of itself on the way."""

    save: Callable[[DataFrame, str], DataFrame]
    facts: dict[str, Any] = field(default_factory=dict)
    say: Callable[[str], None] = say


def solve(
    edges: DataFrame, config: DedupConfig, scratch: Scratch, number: int
) -> tuple[DataFrame, DataFrame, int]:
    """(removed, roots, how many edges): on the driver where the graph is small, else on DataFrames."""
    count = edges.count()
    if count <= config.local_edges:
        spark = edges.sparkSession
        removed, roots = batches.solve(edges.toArrow())
        saved = scratch.save(spark.createDataFrame(removed), f"removed-{number}")
        return saved, spark.createDataFrame(roots), count
    find = by_graphframes if config.components == "graphframes" else components
    roots_there = find(edges.select("a", "b"), scratch, config.component_rounds)
    return scratch.save(leaders(edges, roots_there), f"removed-{number}"), roots_there, count


def leaders(edges: DataFrame, roots: DataFrame) -> DataFrame:
    """The removed pages, each with the best page near to it that stays."""
    component = roots.select(F.col("node").alias("a"), F.col("root").alias("component"))
    sorted_edges = (
        edges.join(component, "a")
        .repartition("component")
        .sortWithinPartitions("component", "a", "b")
        .select("component", "a", "b", "jaccard", "containment")
    )
    return sorted_edges.mapInArrow(batches.remove, from_arrow_schema(batches.REMOVED))


def components(edges: DataFrame, scratch: Scratch, rounds: int) -> DataFrame:
    """(node, root): `root` is the smallest node of the connected component. Nodes without edges do not
    appear.

    By alternating large and small stars (Kiveris et al., Connected Components in MapReduce and Beyond, 2014).
    Each round is saved, so that the plan does not grow and a lost executor costs one round.
    Raises ForgeError if the rounds do not suffice or the result is not what it must be.
    """
    stars = (
        edges.select(F.greatest("a", "b").alias("u"), F.least("a", "b").alias("v")).where("u <> v").distinct()
    )
    before: tuple[Any, ...] | None = None
    for number in range(1, rounds + 1):
        stars = scratch.save(small_star(large_star(stars)), f"stars-{number % 2}-{number}")
        now = tuple(
            stars.agg(F.count(F.lit(1)), F.sum(F.xxhash64("u", "v").cast("decimal(38,0)"))).first() or ()
        )
        scratch.say(f"components, round {number} of at most {rounds}: {now[0]:,} edges left")
        if now == before:
            break
        before = now
    else:
        raise ForgeError(
            f"connected components were not ready after {rounds} rounds; raise component_rounds=."
        )
    scratch.facts["component_rounds"] = max(scratch.facts.get("component_rounds", 0), number)
    leaves = stars.select(F.col("u").alias("node"), F.col("v").alias("root"))
    found = leaves.unionByName(leaves.select(F.col("root").alias("node"), "root").distinct())
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


def by_graphframes(edges: DataFrame, scratch: Scratch, _rounds: int) -> DataFrame:
    """The same as `components`, by the package GraphFrames. Raises UserError where its jar is missing."""
    try:
        from graphframes import GraphFrame  # type: ignore[import-not-found]

        ends = edges.select(F.col("a").alias("id")).unionByName(edges.select(F.col("b").alias("id")))
        graph = GraphFrame(ends.distinct(), edges.select(F.col("a").alias("src"), F.col("b").alias("dst")))
        # Without the threshold, adaptive execution works; local checkpoints ask for no checkpoint folder.
        found = graph.connectedComponents(broadcastThreshold=-1, useLocalCheckpoints=True)
    except ImportError as error:
        raise UserError(GRAPHFRAMES.format("no module graphframes")) from error
    except Exception as error:
        if "org.graphframes" not in str(error) and "JavaPackage" not in str(error):
            raise
        raise UserError(GRAPHFRAMES.format("no class org.graphframes.GraphFrame")) from error
    least = Window.partitionBy("component")
    named = found.select(F.col("id").alias("node"), F.min("id").over(least).alias("root"))
    saved = scratch.save(named, "graphframes")
    check_components(edges, saved)
    return saved


def check_components(edges: DataFrame, found: DataFrame) -> None:
    """Both ends of each edge share a root, no root is larger than its nodes, each node has one root."""
    of_a = found.select(F.col("node").alias("a"), F.col("root").alias("ra"))
    of_b = found.select(F.col("node").alias("b"), F.col("root").alias("rb"))
    ends = edges.where("a <> b").join(of_a, "a", "left").join(of_b, "b", "left")
    wrong = ends.where("ra is null or rb is null or ra <> rb or ra > a or rb > b")
    if wrong.take(1) or found.groupBy("node").count().where("count > 1").take(1):
        raise ForgeError("connected components are inconsistent: the ends of an edge lie in two components.")
