"""Clusters of pages that mean nearly the same, on DataFrames.

A cluster is a page that leads and the pages near to it, each verified against that page. So a chain of
similar pages does not become one cluster whose ends are unlike, as it does in connected components alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.dedup.config import DedupConfig
from corpus.dedup.graph.stage import Scratch, solve
from corpus.match.index.exact import Vectors
from corpus.match.neardup import batches
from corpus.match.neardup.cells import pivots_for, unpack
from corpus.match.select.stage import placed

ROUNDS = 4  # a page whose leader turns out to follow another looks again, this often
SAMPLE = 256  # pages that are compared with all others, to know what the cells miss
_GRAPH = DedupConfig(input=(), output="")  # limits of the graph's solver
_NODE = pa.schema([("node", pa.int64())])


@dataclass(frozen=True)
class Clusters:
    """`members`: node, leader, similarity, of the pages that follow another. `facts` are for the manifest."""

    members: DataFrame
    facts: dict[str, Any]


def clusters(pages: DataFrame, threshold: float, probes: int, scratch: Scratch) -> Clusters:
    """`pages`: node (0, 1, 2, ... from the best page to the last) and vector."""
    spark = pages.sparkSession
    count = pages.count()
    members = scratch.save(pages.mapInArrow(*_assign(pages, count, probes)), "cells") if count else None
    edges: list[DataFrame] = []
    removed = spark.createDataFrame([], from_arrow_schema(batches.EDGES)).select(
        F.col("b").alias("removed"), F.col("a").alias("survivor"), "jaccard"
    )
    pairs, number = 0, 0
    while members is not None and number < ROUNDS:
        number += 1
        found = scratch.save(_stars(members, threshold), f"stars-{number}")
        if found.isEmpty():
            break
        edges.append(found)
        every = reduce(DataFrame.unionByName, edges).dropDuplicates(["a", "b"])
        solved, _, pairs = solve(every, _GRAPH, scratch, number)
        removed = solved.select("removed", "survivor", "jaccard")
        members = _exposed(members, found, removed)
    facts = {"pages": count, "pairs": pairs, "rounds": number, "followers": removed.count()}
    if count:
        facts |= _missed(pages, removed, threshold)
    named = removed.select(
        F.col("removed").alias("node"),
        F.col("survivor").alias("leader"),
        F.col("jaccard").alias("similarity"),
    )
    return Clusters(named, facts)


def with_clusters(
    left: DataFrame, vectors: DataFrame, threshold: float | None, probes: int, scratch: Scratch
) -> DataFrame:
    """Adds cluster_id, cluster_size and cluster_similarity to the pages of `left`, and facts to `scratch`.

    `left`: id, logit, which says who leads; `vectors`: id, vector. Without a threshold every page is alone.
    """
    if threshold is None:
        same = F.lit(1.0).cast("float")
        return left.withColumns(
            {"cluster_id": F.col("id"), "cluster_size": F.lit(1), "cluster_similarity": same}
        )
    order = placed(left.select("id", "logit").withColumn("_all", F.lit(0)), ["_all"], "logit")
    nodes = scratch.save(order.select("id", (F.col("place") - 1).alias("node")), "nodes")
    found = clusters(nodes.join(vectors, "id").select("node", "vector"), threshold, probes, scratch)
    scratch.facts["near_duplicates"] = found.facts
    leader = nodes.select(F.col("id").alias("cluster_id"), F.col("node").alias("leader"))
    follow = found.members.join(leader, "leader").drop("leader")
    sizes = follow.groupBy("cluster_id").agg((F.count(F.lit(1)) + 1).cast("int").alias("cluster_size"))
    named = nodes.join(follow, "node", "left").withColumn("cluster_id", F.coalesce("cluster_id", "id"))
    named = named.join(sizes, "cluster_id", "left").select(
        "id",
        "cluster_id",
        F.coalesce("cluster_size", F.lit(1)).alias("cluster_size"),
        F.coalesce("similarity", F.lit(1.0)).cast("float").alias("cluster_similarity"),
    )
    return left.join(scratch.save(named, "clusters"), "id")


def _assign(pages: DataFrame, count: int, probes: int) -> tuple[Any, Any]:
    return batches.assign(_pivots(pages, count), probes), from_arrow_schema(batches.MEMBERS)


def _pivots(pages: DataFrame, count: int) -> Vectors:
    """Vectors of pages in the order of a hash of their numbers."""
    drawn = pages.orderBy(F.xxhash64("node"), "node").limit(pivots_for(count)).select("vector").toArrow()
    return unpack(drawn.column("vector").to_pylist())


def _stars(members: DataFrame, threshold: float) -> DataFrame:
    found = members.repartition("cell").sortWithinPartitions("cell", "node")
    edges = found.mapInArrow(batches.lead(threshold), from_arrow_schema(batches.EDGES))
    return edges.dropDuplicates(["a", "b"])


def _exposed(members: DataFrame, stars: DataFrame, removed: DataFrame) -> DataFrame | None:
    """Cells of pages that stay although they met a leader, which went itself. None without such pages."""
    gone = removed.select(F.col("removed").alias("node"))
    alone = stars.select(F.col("b").alias("node")).distinct().join(gone, "node", "left_anti")
    if alone.isEmpty():
        return None
    cells = members.join(alone, "node", "left_semi").select("cell").distinct()
    return members.join(gone, "node", "left_anti").join(cells, "cell", "left_semi")


def _missed(pages: DataFrame, removed: DataFrame, threshold: float) -> dict[str, Any]:
    """Of the sampled pages that follow another or should, the share that do."""
    drawn = pages.orderBy(F.xxhash64("node", F.lit(1)), "node").limit(SAMPLE).collect()
    sample = {int(row["node"]): bytes(row["vector"]) for row in drawn}
    follow = {
        row[0] for row in removed.where(F.col("removed").isin(sorted(sample))).select("removed").collect()
    }
    alone = {node: vector for node, vector in sample.items() if node not in follow}
    missed = 0
    if alone:
        stay = pages.join(removed.select(F.col("removed").alias("node")), "node", "left_anti").select(
            "node", "vector"
        )
        met = stay.mapInArrow(batches.seen(alone, threshold), from_arrow_schema(_NODE))
        missed = met.distinct().count()
    recall = round(len(follow) / (len(follow) + missed), 4) if follow or missed else None
    return {"sampled": len(sample), "sampled_followers": len(follow), "missed": missed, "recall": recall}
