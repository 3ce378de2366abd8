"""Promises about ranks, the combined score on DataFrames, and the one decision."""

from collections.abc import Callable

import numpy as np
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from corpus.match.select.combine import NAMES, Weights
from corpus.match.select.rule import Rule
from corpus.match.select.stage import BINS, by_scores, combined, decide, placed

pytestmark = pytest.mark.spark
NO_WEIGHTS = Weights({})
COLUMNS = (
    "id string, coarse_score float, host string, match_seed_id string, match_kind string, match_score float, "
    "match_margin float, combined_score float, logit double"
)


def saved(df: DataFrame, name: str) -> DataFrame:
    """As the stage's scratch tables do, it cuts the plan."""
    return df.localCheckpoint()


def alone(left: DataFrame) -> DataFrame:
    """Clusters by what stands before the dash of an id."""
    return left.withColumn("cluster_id", F.substring_index("id", "-", 1))


def rule(**more: object) -> Rule:
    given = {"min_score": 0.2, "min_margin": -1.0, "thresholds": {}, "weights": NO_WEIGHTS, **more}
    return Rule(**given)  # type: ignore[arg-type]


def row(name: str, **more: object) -> tuple:
    values = {
        "coarse_score": 0.1, "host": "h", "match_seed_id": "s", "match_kind": "doc", "match_score": 0.5,
        "match_margin": 0.3, "combined_score": 0.9, "logit": 2.0, **more,
    }  # fmt: skip
    return (name, *(values[key.split()[0]] for key in COLUMNS.split(", ")[1:]))


@pytest.fixture(scope="module")
def reasons(spark) -> Callable[..., dict[str, str]]:
    def decided(rows: list[tuple], parts: int = 2, **more: object) -> dict[str, str]:
        df = spark.createDataFrame(rows, COLUMNS).repartition(parts)
        found = decide(df, rule(**more), alone, saved).select("id", "reason", "outcome").collect()
        assert len(found) == len(rows)
        assert all((r["outcome"] == "kept") == (r["reason"] == "") for r in found)
        return {r["id"]: r["reason"] for r in found}

    return decided


def test_a_rank_is_that_of_a_sort_in_groups_with_ties_and_one_giant(spark):
    random = np.random.default_rng(1)
    count = 3000
    groups = np.where(random.random(count) < 0.9, "giant", random.choice(list("abc"), count))
    values = np.where(random.random(count) < 0.3, 0.5, random.standard_normal(count) * 3).round(4)
    values[:50] = 0.5 + np.arange(50) / (100 * BINS)  # many in one bin
    rows = [(f"p{n:04}", str(g), float(v)) for n, (g, v) in enumerate(zip(groups, values))]
    df = spark.createDataFrame(rows, "id string, g string, v double")
    expected = {}
    for group in set(groups.tolist()):
        mine = sorted((r for r in rows if r[1] == group), key=lambda r: (-r[2], r[0]))
        expected |= {r[0]: place for place, r in enumerate(mine, 1)}
    for parts in (1, 7):
        found = placed(df.repartition(parts), ["g"], "v").collect()
        assert {r["id"]: r["place"] for r in found} == expected


def test_the_score_on_dataframes_is_that_of_the_fit(spark):
    random = np.random.default_rng(2)
    features = random.standard_normal((60, len(NAMES))).round(4)
    hosts = [f"h{n % 5}" for n in range(50)] + [""] * 10
    weights = Weights({"classifier": 0.8, "second": 0.5, "margin": 2.0}, bias=-0.3, host=0.6, offset=0.2)
    rows = [(f"p{n:02}", hosts[n], *map(float, features[n])) for n in range(60)]
    rows.append(("none", "h0", *[None] * len(NAMES)))
    df = spark.createDataFrame(
        rows, "id string, host string, " + ", ".join(f"{name} double" for name in NAMES)
    )
    expected = weights.sums(features, NAMES, hosts)
    for parts in (1, 4):
        found = {r["id"]: r for r in combined(df.repartition(parts), weights).collect()}
        assert found["none"]["logit"] is None and found["none"]["combined_score"] is None
        told = np.array([found[f"p{n:02}"]["logit"] for n in range(60)])
        assert told == pytest.approx(expected, abs=1e-4)
        assert found["p00"]["combined_score"] == pytest.approx(1 / (1 + np.exp(-expected[0])), abs=1e-4)


def test_each_page_is_told_the_first_thing_that_speaks_against_it(spark):
    rows = [
        row("empty", coarse_score=None, match_score=None, match_margin=None, combined_score=None, logit=None),
        row("coarse", match_score=None, match_margin=None, combined_score=None, logit=None),
        row("far", match_score=0.1),
        row("ordinary", match_margin=-0.1),
        row("ordinary-call", match_kind="call", match_margin=0.05),
        row("unlikely", combined_score=0.1),
        row("good"),
    ]
    df = spark.createDataFrame(rows, COLUMNS)
    some = rule(min_margin=0.0, thresholds={"call": 0.1}, min_combined=0.5)
    assert {r["id"]: r["reason"] for r in by_scores(df, some).collect()} == {
        "empty": "empty", "coarse": "coarse", "far": "match_score", "ordinary": "match_margin",
        "ordinary-call": "match_margin", "unlikely": "combined", "good": "",
    }  # fmt: skip


def test_without_limits_all_that_pass_the_scores_are_kept(reasons):
    assert set(reasons([row(f"p{n}") for n in range(9)]).values()) == {""}


def test_a_seed_keeps_the_pages_most_like_it(reasons):
    rows = [row(f"p{n}", match_score=0.3 + n / 100, logit=float(-n)) for n in range(9)]
    rows += [row(f"q{n}", match_seed_id="t") for n in range(2)]
    found = reasons(rows, per_seed=4)
    assert {name for name, reason in found.items() if reason == "seed_rank"} == {f"p{n}" for n in range(5)}


def test_a_host_keeps_its_best_pages_and_pages_without_a_host_have_none_in_common(reasons):
    rows = [row(f"p{n}", logit=float(n)) for n in range(6)] + [row(f"q{n}", host="") for n in range(6)]
    found = reasons(rows, per_host=2)
    assert {name for name, reason in found.items() if reason == "host_cap"} == {f"p{n}" for n in range(4)}


def test_a_kind_has_its_quota_and_other_kinds_have_none(reasons):
    rows = [row(f"p{n}", logit=float(n)) for n in range(6)] + [
        row(f"q{n}", match_kind="call") for n in range(6)
    ]
    found = reasons(rows, quotas={"doc": 3})
    assert {name for name, reason in found.items() if reason == "kind_quota"} == {f"p{n}" for n in range(3)}


def test_a_cluster_keeps_its_best_pages(reasons):
    rows = [row(f"a-{n}", logit=float(n)) for n in range(5)] + [row("b-0", logit=-9.0)]
    found = reasons(rows, per_cluster=2)
    assert {name for name, reason in found.items() if reason == "cluster_cap"} == {"a-0", "a-1", "a-2"}


def test_no_place_is_lost_to_a_page_that_another_cap_drops(reasons):
    rows = [row(f"a-{n}", logit=10.0 + n, host=f"x{n % 2}") for n in range(6)]
    rows += [row(f"b{n}", logit=float(n), host="x0") for n in range(4)]
    found = reasons(rows, per_cluster=1, per_host=2, quotas={"doc": 2})
    kept = {name for name, reason in found.items() if reason == ""}
    assert kept == {"a-5", "b3"}


def test_partitions_change_no_decision(reasons):
    random = np.random.default_rng(6)
    rows = []
    for n in range(400):
        more = {
            "host": f"h{random.integers(4)}", "match_seed_id": f"s{random.integers(6)}", "logit": float(random.integers(5)),
            "match_kind": str(random.choice(["doc", "call"])), "match_score": float(random.integers(1, 10) / 10),
        }  # fmt: skip
        rows.append(row(f"{n % 150}-{n}", **more))
    limits = {"per_seed": 20, "per_host": 25, "per_cluster": 1, "quotas": {"doc": 30}}
    one = reasons(rows, parts=1, **limits)
    assert one == reasons(rows[::-1], parts=5, **limits) and len(set(one.values())) == 6
