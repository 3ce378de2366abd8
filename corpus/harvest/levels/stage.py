"""Spark's part of the levels: which records a level takes, where links lead, what becomes of all records."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from corpus.engine.stage import Stage
from corpus.harvest.config import HarvestConfig
from corpus.harvest.pages import UNREADABLE

REPEATED, NOT_REACHED, LEVEL_LIMIT, START_LIMIT = "repeated_url", "not_reached", "level_limit", "start_limit"
DUPLICATE = "duplicate_text"
PLACE = ["warc", "offset", "url"]  # what tells one record from another
# records that are taken to what is in them
Contents = Callable[[DataFrame, int], DataFrame]


def with_repeats(known: DataFrame) -> DataFrame:
    """Of the records of one address the first good one stands for all. This and `decide` alone judge."""
    mine = F.col("aside") == ""
    alone = F.when(mine, F.col("key")).otherwise(F.concat_ws(" ", "full", "offset", "url"))
    order = Window.partitionBy(mine, alone).orderBy("bad", "full", "offset", "url", "length")
    repeated = mine & (F.row_number().over(order) > 1)
    return known.withColumn("aside", F.when(repeated, F.lit(REPEATED)).otherwise(F.col("aside")))


def harvest(
    known: DataFrame, contents: Contents, stage: Stage, config: HarvestConfig
) -> tuple[DataFrame, DataFrame]:
    """The records that the levels came to (with `limit`, why one was left), and the others' contents."""
    open_ = known.where("aside = ''")
    wanted = open_.where("start >= 0").withColumn("parent", F.lit(None).cast("string"))
    levels: list[DataFrame] = []
    found: list[DataFrame] = []
    used: dict[int, int] = {}
    for number in range(config.levels + 1):
        level = stage.scratch(limited(wanted, number, used, config), f"level-{number}")
        counts = level.where("limit = ''").groupBy("start").count().collect()
        levels.append(level)
        if not counts and number:
            break
        for row in counts:
            used[row["start"]] = used.get(row["start"], 0) + row["count"]
        content = once(contents(level.where("limit = ''"), number))
        found.append(stage.scratch(content, f"content-{number}"))
        if number < config.levels:
            seen = reduce(DataFrame.unionByName, (each.select("key") for each in levels))
            wanted = linked(level, found[-1], open_.join(seen, "key", "left_anti"))
    return reduce(DataFrame.unionByName, levels), reduce(DataFrame.unionByName, found)


def once(rows: DataFrame) -> DataFrame:
    """One row for each place: records that share a member may share their address, too."""
    order = Window.partitionBy(*PLACE).orderBy("id", "reason", F.sha2("text", 256))
    return rows.withColumn("_number", F.row_number().over(order)).where("_number = 1").drop("_number")


def limited(wanted: DataFrame, number: int, used: dict[int, int], config: HarvestConfig) -> DataFrame:
    """The records of a level with `limit`: a sample by the hash of the address stays within the bounds."""
    order = Window.partitionBy("start").orderBy(F.sha2("key", 256), "key")
    at = F.row_number().over(order)
    left: Column = F.lit(config.most_per_start)
    for start, count in sorted(used.items()):
        left = F.when(F.col("start") == start, config.most_per_start - count).otherwise(left)
    limit = F.when(at > config.most_per_level, LEVEL_LIMIT).when(at > left, START_LIMIT).otherwise("")
    columns = ("start", "parent", "full", "warc", "offset", "length", "url", "key")
    return wanted.select(*columns, F.lit(number).alias("level"), limit.alias("limit"))


def linked(level: DataFrame, found: DataFrame, others: DataFrame) -> DataFrame:
    """The records that pages of a level link to. Of several such pages the first by start and address is the
    parent."""
    links = (
        found.select(*PLACE, F.explode("links").alias("key"))
        .join(level.select(*PLACE, "start"), PLACE)
        .select("key", F.col("start").alias("by"), F.col("url").alias("parent"))
    )
    met = links.join(others.select("key", "allowed"), "key").where("array_contains(allowed, by)")
    first = met.groupBy("key").agg(F.min(F.struct("by", "parent")).alias("first"))
    chosen = first.select("key", F.col("first.by").alias("start"), "first.parent")
    return others.drop("start").join(chosen, "key")


def decide(known: DataFrame, taken: DataFrame, found: DataFrame) -> DataFrame:
    """Every record with its `reason`; empty for seeds. Repeats of a text are dropped, but for the first by
    level and address."""
    levels = taken.select(*PLACE, F.col("start").alias("by"), "level", "parent", "limit")
    contents = found.withColumnsRenamed({"id": "own_id", "reason": "why"})
    rows = known.join(levels, PLACE, "left").join(contents, PLACE, "left")
    reason = (
        F.when(F.col("aside") != "", F.col("aside"))
        .when(F.col("level").isNull(), NOT_REACHED)
        .when(F.col("limit") != "", F.col("limit"))
        .otherwise(F.coalesce("why", F.lit(UNREADABLE)))
    )
    # of its own, since the page may well come again out of the same crawl, and both meet in one table
    source = F.coalesce("own_id", "id", F.concat_ws("\x1f", *PLACE))
    named = F.substring(F.sha2(F.concat_ws("\x1f", F.lit("harvest"), source), 256), 1, 32)
    rows = rows.withColumn("reason", reason).withColumn("id", named)
    good = F.col("reason") == ""
    alike = F.when(good, F.sha2("text", 256)).otherwise(F.concat_ws(" ", "full", "offset", "url"))
    order = Window.partitionBy(good, alike).orderBy("level", "url", "full", "offset")
    repeated = good & (F.row_number().over(order) > 1)
    return rows.withColumn("reason", F.when(repeated, F.lit(DUPLICATE)).otherwise(F.col("reason")))
