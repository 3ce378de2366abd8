"""Counting in bounded memory."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.report.counters import Bins, Distinct, Lengths, TopCounter


@given(st.lists(st.sampled_from("abcdefghij"), max_size=200), st.integers(1, 12))
def test_top_counts_are_too_low_by_at_most_the_slack(values: list[str], capacity: int) -> None:
    counter = TopCounter(capacity)
    for value in values:
        counter.add_one(value)
    true = Counter(values)
    assert counter.total == len(values) and len(counter.counts) <= capacity
    for value, rows in true.items():
        assert rows - counter.slack <= counter.counts.get(value, 0) <= rows


def test_top_counter_is_exact_within_its_capacity_and_ties_follow_the_text() -> None:
    counter = TopCounter()
    counter.add(pa.array(["b", "a", None, "b", "a", ""]))
    assert counter.slack == 0
    assert counter.top() == [("a", 2), ("b", 2), ("none stated", 2)]


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=80))
def test_length_quantiles_and_bins_equal_a_sort(values: list[int]) -> None:
    lengths = Lengths()
    lengths.add(pa.array([*values, None]))
    assert lengths.quantile(0.5) == sorted(values)[(len(values) + 1) // 2 - 1]
    bins = lengths.histogram()
    assert sum(entry["documents"] for entry in bins) == len(values)
    assert all(
        entry["documents"] == sum(entry["from"] <= v < entry["below"] for v in values) for entry in bins
    )


def test_bins_take_edges_and_what_lies_outside() -> None:
    bins = Bins(0, 1, 4)
    bins.add([-0.1, 0.0, 0.25, 0.999, 1.0, 1.2, None, float("nan")])
    assert [row["pages"] for row in bins.rows("pages")] == [2, 1, 0, 3]


def test_weights_are_added_up_by_value() -> None:
    counter = TopCounter()
    counter.add_weighted(pa.array(["a", "b", "a", None]), pa.array([5, 2, None, 3], pa.int32()))
    assert counter.top() == [("a", 5), ("none stated", 3), ("b", 2)] and counter.total == 10


def test_distinct_values_are_exact_within_capacity_and_near_beyond_it() -> None:
    exact, estimated = Distinct(1000), Distinct(1000)
    for number in range(1500):
        exact.add([f"value {number}", "the same"])
    for number in range(50_000):
        estimated.add([f"value {number}"])
    assert exact.exact and exact.number() == 1501
    assert not estimated.exact and len(estimated.hashes) <= 2000
    # Four standard errors; the hashes are fixed, so that the estimate is the same on every run.
    assert estimated.number() == pytest.approx(50_000, rel=4 / 1000**0.5)
