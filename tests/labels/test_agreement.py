"""Kappa and its interval against independent ways to the same figures."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from corpus.labels.agreement import agreement, told

Counts = dict[tuple[str, str], int]
WORDS = ("yes", "no", "stub")


def random_counts(seed: int) -> Counts:
    draw = random.Random(seed)
    return {pair: draw.randint(0, 40) + 60 * (pair[0] == pair[1]) for pair in itertools.product(WORDS, WORDS)}


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_a_library(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    counts = random_counts(seed)
    ones, others = zip(*(pair for pair, n in counts.items() for _ in range(n)))
    assert agreement("a", "b", counts).kappa == pytest.approx(metrics.cohen_kappa_score(ones, others))


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_as_wide_as_the_jackknife_says(seed: int) -> None:
    counts = random_counts(seed)
    pages = sum(counts.values())
    without = []
    for pair, n in counts.items():
        if n:
            kappa = agreement("a", "b", {**counts, pair: n - 1}).kappa
            assert kappa is not None
            without += [kappa] * n
    mean = sum(without) / pages
    error = math.sqrt((pages - 1) / pages * sum((kappa - mean) ** 2 for kappa in without))
    found = agreement("a", "b", counts)
    assert found.low is not None and found.high is not None
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(error, rel=0.03)


def test_the_table_and_the_share_alike_are_counted() -> None:
    found = agreement("a", "b", {("yes", "yes"): 8, ("yes", "no"): 1, ("no", "no"): 1})
    assert found.table == {"no": {"no": 1, "yes": 0}, "yes": {"no": 1, "yes": 8}}
    assert (found.pages, found.observed) == (10, 0.9)
    assert "90.0% alike, kappa 0.615" in told(found.facts())


def test_where_both_always_say_the_same_kappa_is_not_defined() -> None:
    found = agreement("a", "b", {("yes", "yes"): 10})
    assert (found.kappa, found.low, found.observed) == (None, None, 1.0)
    assert "not defined" in told(found.facts())
