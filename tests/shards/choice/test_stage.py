from __future__ import annotations

import random
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from corpus.engine.config import build
from corpus.shards.choice.stage import heldout_ids, position, take, taken
from corpus.shards.config import ShardConfig
from corpus.shards.mixing import fill

pytestmark = pytest.mark.spark
Unit = tuple[str, str, int, int]  # mix, name, place, tokens


def expected(units: list[Unit], targets: dict[str, int]) -> set[tuple[str, str]]:
    """The rule as it is said: whole units in order until one does not fit, then those that fit into the rest."""
    found = set()
    for mix, target in targets.items():
        mine = sorted((place, name, tokens) for of, name, place, tokens in units if of == mix)
        sums = list(accumulate(tokens for _, _, tokens in mine))
        end = sum(so_far <= target for so_far in sums)
        gap = target - (sums[end - 1] if end else 0)
        names = [name for _, name, _ in mine[:end]] + fill(gap, [(unit[1], unit[2]) for unit in mine[end:]])
        found |= {(mix, name) for name in names}
    return found


def random_units(rng: random.Random) -> list[Unit]:
    edges = [-(2**63), -(2**54), -1, 0, 1, 2**54, 2**63 - 1]
    wide = [("a", f"{n:03}", rng.randrange(-(2**63), 2**63), rng.randrange(1, 400)) for n in range(300)]
    crowded = [("b", f"{n:03}", rng.choice(edges), rng.randrange(1, 400)) for n in range(120)]
    return [*wide, *crowded, ("c", "only", 7, 50)]


@pytest.mark.parametrize("share", [0.0, 0.0004, 0.02, 0.5, 0.93, 1.0])
def test_what_is_taken_follows_the_prefix_rule_exactly(spark: SparkSession, share: float) -> None:
    units = random_units(random.Random(4))
    targets = {mix: int(share * sum(t for of, _, _, t in units if of == mix)) for mix in "abc"}
    df = spark.createDataFrame(units, "mix string, name string, place bigint, tokens bigint")
    chosen = df.where(taken(take(df, targets), "name", "place")).select("mix", "name").collect()
    assert {(row["mix"], row["name"]) for row in chosen} == expected(units, targets)


def documents(spark: SparkSession, rows: list[tuple[str, str, str, int]]) -> DataFrame:
    df = spark.createDataFrame(rows, "mix string, id string, group string, num_tokens int")
    return df.withColumn("position", position("id", 0))


def config(fraction: float, names: str = "ab") -> ShardConfig:
    sources: dict[str, Any] = {name: {"path": ["x"]} for name in names}
    return build(ShardConfig, {"input": sources, "output": str(Path("o")), "heldout_fraction": fraction})


@pytest.mark.parametrize("fraction", [0.02, 0.1])
def test_share_held_out_lies_near_the_fraction_even_with_huge_groups(
    spark: SparkSession, fraction: float
) -> None:
    rng = random.Random(8)
    rows = [("a", f"a{n}", "giant" if n < 500 else f"g{n % 90}", rng.randrange(50, 500)) for n in range(1000)]
    rows += [("b", f"b{n}", f"one{n % 6}", rng.randrange(50, 500)) for n in range(600)]
    held = {row["id"] for row in heldout_ids(documents(spark, rows), config(fraction)).collect()}
    for mix in "ab":
        mine = [(name, tokens) for of, name, _, tokens in rows if of == mix]
        share = sum(tokens for name, tokens in mine if name in held) / sum(tokens for _, tokens in mine)
        assert 0.95 * fraction <= share <= fraction


def test_groups_within_the_fraction_are_held_out_whole(spark: SparkSession) -> None:
    rows = [("a", f"a{n}", f"g{n % 100}", 10) for n in range(1000)]
    held = {row["id"] for row in heldout_ids(documents(spark, rows), config(0.05)).collect()}
    groups = {group for _, name, group, _ in rows if name in held}
    assert len(held) == 50
    assert held == {name for _, name, group, _ in rows if group in groups}


def test_source_of_which_nothing_fits_gives_its_shortest_document(spark: SparkSession) -> None:
    rows = [("a", f"a{n}", "host", 100 + n) for n in range(5)]
    assert [row["id"] for row in heldout_ids(documents(spark, rows), config(0.02)).collect()] == ["a0"]


def test_fraction_of_zero_holds_nothing_out(spark: SparkSession) -> None:
    assert heldout_ids(documents(spark, [("a", "a0", "host", 9)]), config(0)).isEmpty()
