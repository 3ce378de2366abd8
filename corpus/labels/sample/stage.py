"""Spark's part of sampling: the pages that a model is asked about, in the order in which money goes to them.

All draws are by a hash of the seed and the record's id: they do not depend on the order of rows.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from corpus.labels.config import CHECK, DRAWN, TOP, UNCERTAIN, LabelConfig, SampleConfig


def choose(pages: DataFrame, known: DataFrame, config: LabelConfig) -> DataFrame:
    """`pages` (id, url, site, agent_score) that are asked about, with `sample` and `position`.

    `known` (url) are those that somebody has labelled already. The bands take turns, so that a budget that
    ends early has cut all of them alike.
    """
    key = draw(config.seed)
    marked = pages.join(known.select("url", F.lit(True).alias("_known")), "url", "left").select(
        *pages.columns, F.col("_known").isNotNull().alias("_known"), key.alias("_key")
    )
    banded = marked.withColumn("sample", _band(config.sample)).where("sample is not null")
    by_site = Window.partitionBy("sample", "site").orderBy("_key", "url")
    ranked = banded.withColumn("_rank", F.row_number().over(by_site))
    ranked = ranked.where(F.col("_rank") <= config.sample.per_site)
    sizes = config.sample.sizes()
    even = [
        ranked.where(F.col("sample") == band).orderBy("_rank", "_key", "url").limit(sizes[band])
        for band in (CHECK, UNCERTAIN, TOP)
        if sizes[band]
    ]
    chosen = reduce(DataFrame.unionByName, even) if even else ranked.limit(0)
    if config.sample.random:
        rest = marked.where(~F.col("_known")).join(chosen.select("url"), "url", "left_anti")
        drawn = rest.orderBy("_key", "url").limit(config.sample.random)
        chosen = chosen.unionByName(drawn.withColumns({"sample": F.lit(DRAWN), "_rank": F.lit(1)}))
    return _in_turns(chosen).select(*pages.columns, "sample", "position")


def unlabelled(pages: DataFrame, taken: DataFrame, config: LabelConfig) -> DataFrame:
    """The addresses of random pages that nobody has labelled and no model is asked about."""
    rest = pages.join(taken.select("url"), "url", "left_anti")
    return rest.orderBy(draw(config.seed), "url").limit(config.unlabelled).select("url")


def draw(seed: int) -> Column:
    return F.sha2(F.concat_ws("\x1f", F.lit(str(seed)), "id"), 256)


def _band(sample: SampleConfig) -> Column:
    score = F.col("agent_score")
    return (
        F.when(F.col("_known"), CHECK)
        .when(score >= sample.uncertain_to, TOP)
        .when(score >= sample.uncertain_from, UNCERTAIN)
    )


def _in_turns(chosen: DataFrame) -> DataFrame:
    within = Window.partitionBy("sample").orderBy("_rank", "_key", "url")
    turns = chosen.withColumn("_turn", F.row_number().over(within))
    return turns.withColumn("position", F.row_number().over(Window.orderBy("_turn", "sample")))
