"""Counts, tallies and labels of a round, on a few scored pages."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.engine.config import build
from corpus.engine.tables import SCORED
from corpus.harvest.address import site_of
from corpus.rounds.collect.stage import labels, measure, recall
from corpus.rounds.config import RoundsConfig
from corpus.rounds.history import enough
from corpus.rounds.place import Known
from corpus.rounds.proposals import Tally
from corpus.rounds.review.stage import examples, sample, tallies

# address: scores in two rounds; the threshold is 0.5
PAGES = {
    **{f"docs.a.org/api/{n}": (0.9, 0.9) for n in range(4)},
    **{f"docs.a.org/api/m{n}": (0.2, 0.8) for n in range(4)},
    **{f"docs.a.org/api/old/{n}": (0.6, 0.1) for n in range(2)},
    **{f"b.org/man/{n}": (0.1, 0.7) for n in range(3)},
    **{f"c.org/{n}": (0.3 if n == 9 else 0.05, 0.05) for n in range(10)},
}


def scored(spark: SparkSession, number: int) -> DataFrame:
    rows = [
        (
            f"id{at:03d}",
            f"https://{key}",
            key,
            site_of(f"https://{key}"),
            scores[number],
            scores[number] >= 0.5,
            "w",
            at,
        )
        for at, (key, scores) in enumerate(PAGES.items())
    ]
    return spark.createDataFrame(rows, from_arrow_schema(SCORED.schema))


def config(**more: Any) -> RoundsConfig:
    return build(RoundsConfig, {"crawl": ["c"], "seeds": ["s"], "output": "o", **more})


KNOWN = Known(
    {"docs.a.org/api": ("accept", 0), "docs.a.org/api/old": ("reject", 1), "b.org/man": ("skip", 1)},
    {"https://c.org/0": ("stub", 1), "https://docs.a.org/api/1": ("no", 1)},
)


@pytest.mark.spark
def test_new_is_what_the_round_before_had_not_collected(spark: SparkSession) -> None:
    first = measure(scored(spark, 0), None, {}, 3)
    assert (first.pages, first.hits, first.collected, first.new_pages) == (23, 6, 6, 6)
    assert (first.sites, first.new_sites, first.recall_before) == (1, 1, None)
    second = measure(scored(spark, 1), scored(spark, 0), {"docs.a.org/api": "accept"}, 3)
    assert (second.hits, second.collected, second.new_pages) == (11, 13, 3)
    assert (second.sites, second.new_sites, second.recall_before) == (2, 1, 0.8)
    assert enough(first, 0, pages=1, sites=1) is False
    assert enough(second, 1, pages=0.3, sites=0.5) and not enough(second, 1, pages=0.2, sites=0.5)


@pytest.mark.spark
def test_folders_are_tallied_without_what_is_decided(spark: SparkSession) -> None:
    found = tallies(scored(spark, 0), ["docs.a.org/api/old"], 5, 3)
    assert found == {"docs.a.org": Tally(8, 4), "docs.a.org/api": Tally(8, 4)}
    assert recall(scored(spark, 0), KNOWN.tags()) == 0.5 and recall(scored(spark, 0), {}) is None


@pytest.mark.spark
def test_labels_follow_verdicts_then_the_longest_prefix_then_the_background(spark: SparkSession) -> None:
    rows = labels(scored(spark, 0), KNOWN, config(cleaned=0.1, negatives=9)).to_pylist()
    found = {row["url"].removeprefix("https://"): row for row in rows}
    assert {k: r["label"] for k, r in found.items() if r["given_by"] == "round 00"} == {
        **{f"docs.a.org/api/{n}": "positive" for n in (0, 2, 3)},
        **{f"docs.a.org/api/m{n}": "positive" for n in range(4)},
    }
    assert all(found[f"docs.a.org/api/m{n}"]["missed"] for n in range(4))
    assert {k: r["verdict"] for k, r in found.items() if r["verdict"]} == {
        "c.org/0": "stub",
        "docs.a.org/api/1": "no",
    }
    assert {r["label"] for k, r in found.items() if "old" in k or r["verdict"]} == {"negative"}
    assert not any(key.startswith("b.org") for key in found)
    background = {key for key, row in found.items() if row["given_by"] == "background"}
    assert background == {
        f"c.org/{n}" for n in range(1, 9)
    }  # the best scored of them may be wanted after all
    few = labels(scored(spark, 0), KNOWN, config(cleaned=0.1, negatives=0.5)).to_pylist()
    assert sum(row["given_by"] == "background" for row in few) == 3


@pytest.mark.spark
def test_examples_show_hits_and_missed_pages_and_no_address_that_steers(spark: SparkSession) -> None:
    pages = scored(spark, 0)
    texts = pages.selectExpr(
        "id", "warc", "offset", "concat('title of ', key) as title", "'a\u202e\nb' as text"
    )
    found = examples(pages, texts, ["docs.a.org/api", "b.org"])
    assert [e.score for e in found["docs.a.org/api"]][3:] == [0.2, 0.2] and len(found["b.org"]) == 3
    assert all(e.title.startswith("title of ") and e.snippet == "a b" for e in found["docs.a.org/api"])
    odd = pages.where("key = 'docs.a.org/api/1'").withColumn("url", F.lit("https://docs.a.org/\u202e"))
    assert sample(odd, texts, [], 5, 1) == []
    drawn = sample(pages, texts, ["docs.a.org/api/old"], 2, 1)
    assert len(drawn) == 2 and all(e.score >= 0.5 and "old" not in e.url for e in drawn)
    assert sample(pages, texts, [], 0, 1) == []
