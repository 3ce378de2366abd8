from __future__ import annotations

import random
from itertools import accumulate

import pytest
from pyspark.sql import SparkSession

from corpus.shards.cuts.stage import take, taken
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
