"""Near duplicates on DataFrames: buckets, candidate pairs, verified edges, and the pages that go.

Pages are numbered from the best to the last, so `a < b` says that a is the better one. Pages of an index come
before all others, and none of them goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from corpus.dedup import batches
from corpus.dedup.config import DedupConfig
from corpus.dedup.graph.stage import Scratch, solve
from corpus.dedup.prefix import Common

COMMON_FROM = 4  # pages of the sample from which on a shingle counts as common
MOST_COMMON = 1 << 20  # and how many of them the tasks are given, at 16 bytes each
SAMPLE_PAGES = 20_000  # hubs that common shingles are counted on


@dataclass
class Search:
    """The pairs verified so far and what follows from them. `pages`: node, shingles, bands; `hashes`: node,
    hashes.
    """

    pages: DataFrame
    hashes: DataFrame
    first_new: int
    config: DedupConfig
    scratch: Scratch
    removed: DataFrame = field(init=False)
    roots: DataFrame = field(init=False)
    edges: list[DataFrame] = field(default_factory=list)
    answers: list[DataFrame] = field(default_factory=list)
    compared: int = 0
    verified: int = 0

    def __post_init__(self) -> None:
        spark = self.pages.sparkSession
        self.removed = spark.createDataFrame([], from_arrow_schema(batches.REMOVED))
        self.roots = spark.createDataFrame([], from_arrow_schema(batches.ROOTS))

    def save(self, df: DataFrame, name: str) -> DataFrame:
        return self.scratch.save(df, name)

    def placed(self, members: DataFrame) -> DataFrame:
        """Members of buckets in which someone leads, with company, at least one of it new.

        They are numbered from the best, those that lead before the others.
        """
        bucket = Window.partitionBy("bucket")
        counted = members.withColumns(
            {
                "company": F.count(F.lit(1)).over(bucket),
                "last": F.max("node").over(bucket),
                "led": F.max("leads").over(bucket),
            }
        )
        shared = counted.where(f"company > 1 and led and last >= {self.first_new}")
        place = F.row_number().over(bucket.orderBy(F.col("leads").desc(), "node"))
        return shared.drop("company", "last", "led").withColumn("place", place)

    def candidates(self, placed: DataFrame, hubs: int) -> DataFrame:
        """Pairs that share a bucket in which one of them is a hub: a star for each hub, no clique."""
        hub = placed.where(f"leads and place <= {hubs}")
        return self.pairs(hub, placed)

    def pairs(self, some: DataFrame, others: DataFrame) -> DataFrame:
        """Distinct pairs (a, b), a the better page, of one of `some` and one of `others` in the same bucket.

        Left out are known pages among themselves, and pairs whose sizes and positions forbid the threshold.
        """
        one = some.selectExpr("bucket", "node x", "shingles nx", "position px")
        other = others.selectExpr("bucket", "node y", "shingles ny", "position py")
        pairs = one.join(other, "bucket").where(f"x <> y and greatest(x, y) >= {self.first_new}")
        if self.config.containment is None:
            share = self.config.threshold / (1 + self.config.threshold)
            overlap = F.ceil(share * (F.col("nx") + F.col("ny")) - 1e-9)
            pairs = pairs.where(
                (F.col("px") <= F.col("nx") - overlap + 1) & (F.col("py") <= F.col("ny") - overlap + 1)
            )
            pairs = pairs.where(F.least("nx", "ny") / F.greatest("nx", "ny") >= self.config.threshold - 1e-9)
        return pairs.select(F.least("x", "y").alias("a"), F.greatest("x", "y").alias("b")).distinct()

    def compare(self, pairs: DataFrame, *, only_bucket_mates: bool = False) -> None:
        """Verify pairs, then choose anew who goes from all edges so far: no step leaves a page without
        survivor.
        """
        number = len(self.answers) + 1
        pairs = self.save(pairs, f"pairs-{number}")
        found = self.save(verified(pairs, self.hashes, self.config), f"edges-{number}")
        if only_bucket_mates:
            found = self.save(self.bucket_mates(found), f"mates-{number}")
        self.compared += pairs.count()
        if found.isEmpty():
            self.answers.append(self.removed)
            return
        self.edges.append(found)
        edges = reduce(DataFrame.unionByName, self.edges)
        if len(self.edges) > 1:
            edges = edges.dropDuplicates(["a", "b"])
        self.removed, self.roots, self.verified = solve(edges, self.config, self.scratch, number)
        self.answers.append(self.removed)
        self.scratch.say(
            f"comparison {number}: {self.compared:,} pairs compared, {self.verified:,} near in all"
        )

    def bucket_mates(self, edges: DataFrame) -> DataFrame:
        """The edges whose pages share a bucket of the bands, as all other edges do.

        The exact search also finds pairs that the bands missed. Whether it looks at two pages depends on the
        company they keep, so to take those pairs would make the result depend on what else is in the run.
        """
        bands = self.pages.select("node", "bands")
        both = edges.join(bands.selectExpr("node a", "bands of_a"), "a").join(
            bands.selectExpr("node b", "bands of_b"), "b"
        )
        return both.where(F.arrays_overlap("of_a", "of_b")).select(*batches.EDGES.names)

    def alive(self, members: DataFrame) -> DataFrame:
        return members.join(self.removed.select(F.col("removed").alias("node")), "node", "left_anti")

    def rounds(self, placed: DataFrame, most: int, name: str, *, exact: bool = False) -> DataFrame | None:
        """Compare by hubs, up to `most` rounds. Returns the members left without a comparison, if any are.

        Members that are no hubs and still stay meet again in the next round, with the next hubs.
        """
        hubs = self.config.hubs
        for number in range(1, most + 1):
            self.compare(self.candidates(placed, hubs), only_bucket_mates=exact)
            if placed.where(f"leads and place > {hubs}").isEmpty():
                return None
            rest = placed.where(f"not leads or place > {hubs}").drop("place")
            placed = self.save(self.placed(self.alive(rest)), f"{name}-{number + 1}")
            if placed.isEmpty():
                return None
            hubs *= 2
        return placed

    def take_back(self, members: DataFrame) -> int:
        """Compare pages that went and came back, since their survivor went too, with all in their buckets.

        Returns how many could not be compared within the rounds.
        """
        done: DataFrame | None = None
        for _ in range(self.config.rounds):
            gone = reduce(DataFrame.unionByName, [a.select("removed") for a in self.answers]).distinct()
            back = gone.join(self.removed, "removed", "left_anti").select(F.col("removed").alias("node"))
            back = self.save(
                back if done is None else back.join(done, "node", "left_anti"), f"back-{len(self.answers)}"
            )
            if back.isEmpty():
                return 0
            done = back if done is None else done.unionByName(back)
            living = self.alive(members)
            self.compare(self.pairs(living.join(back, "node"), living))
        return back.count()


def near_duplicates(
    pages: DataFrame, hashes: DataFrame, first_new: int, config: DedupConfig, scratch: Scratch
) -> tuple[DataFrame, DataFrame]:
    """(removed: removed, survivor, jaccard, containment; roots: node, root) among the pages that differ in
    text.

    First every bucket is searched from its hubs. What then still stays in buckets larger than that is
    searched exactly, by the rarest shingles of each page. So a bucket of any size costs in proportion to its
    pages, and no pair in it is lost. The manifest says what the rounds left uncompared, if anything.
    """
    search = Search(pages, hashes, first_new, config, scratch)
    members = pages.select(
        F.explode("bands").alias("bucket"),
        "node",
        "shingles",
        F.lit(0).alias("position"),
        F.lit(True).alias("leads"),
    )
    placed = scratch.save(search.placed(members), "members-1")
    left, hot = None, search.rounds(placed, 1, "members")
    if hot is not None:
        rare = scratch.save(search.placed(by_rare_shingles(search, hot, placed)), "rare-1")
        left = search.rounds(rare, config.rounds, "rare", exact=True)
    returned = search.take_back(placed.drop("place"))
    scratch.facts.update(
        pairs_compared=search.compared,
        pairs_verified=search.verified,
        hot_pages=0 if hot is None else hot.select("node").distinct().count(),
        pages_left_uncompared=returned + (0 if left is None else left.select("node").distinct().count()),
    )
    return search.removed, search.roots


def by_rare_shingles(search: Search, hot: DataFrame, placed: DataFrame) -> DataFrame:
    """The pages of hot buckets as members of buckets of their rarest shingles.

    What is rare is counted on the hubs of those buckets: each template sits in its own.
    """
    nodes = hot.select("node", "shingles").distinct()
    hubs = placed.join(hot.select("bucket").distinct(), "bucket", "left_semi")
    hubs = hubs.where(f"place <= {search.config.hubs}").select("node").distinct()
    many = max(hubs.count() // SAMPLE_PAGES, 1)
    sampled = search.hashes.join(hubs, "node", "left_semi")
    sampled = sampled.where(F.crc32(F.substring("hashes", 1, 5)) % many == 0).select("hashes")
    tokens = sampled.mapInArrow(batches.tokens, from_arrow_schema(batches.TOKENS))
    often = tokens.groupBy("token").count().where(f"count >= {COMMON_FROM}")
    table = often.orderBy(F.col("count").desc(), "token").limit(MOST_COMMON).toArrow().sort_by("token")
    common = Common(table["token"].to_numpy().astype(np.uint64), table["count"].to_numpy().astype(np.int64))
    with_hashes = search.hashes.join(nodes, "node").select("node", "shingles", "hashes")
    return with_hashes.mapInArrow(batches.prefixes(search.config, common), from_arrow_schema(batches.MEMBERS))


def verified(pairs: DataFrame, hashes: DataFrame, config: DedupConfig) -> DataFrame:
    """The pairs that are duplicates by their shingles, with the evidence.

    The set of `a` goes before its pairs in one sorted partition, so that it moves once and no task holds more
    than two sets.
    """
    of_a = hashes.join(pairs.select(F.col("a").alias("node")).distinct(), "node")
    of_a = of_a.select(F.col("node").alias("a"), F.lit(None).cast("bigint").alias("b"), "hashes")
    of_b = pairs.join(hashes.withColumnRenamed("node", "b"), "b").select("a", "b", "hashes")
    rows = of_a.unionByName(of_b).repartition("a").sortWithinPartitions("a", "b")
    return rows.mapInArrow(batches.verify(config), from_arrow_schema(batches.EDGES))
