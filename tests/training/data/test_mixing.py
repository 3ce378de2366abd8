from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.mixing import assign_slots, integer_shares, quota


def test_weights_mean_the_decimals_that_were_written() -> None:
    assert integer_shares([0.1, 0.2, 0.7]) == [1, 2, 7]


@settings(max_examples=60, deadline=None)
@given(weights=st.lists(st.integers(1, 999), min_size=1, max_size=12), rows=st.integers(1, 64))
def test_every_source_stays_within_a_row_or_two_of_its_share_at_every_row(
    weights: list[int], rows: int
) -> None:
    counts = np.zeros(len(weights), np.int64)
    for _ in range(20):
        taken = quota(weights, counts, rows)
        assert sum(taken) == rows and min(taken) >= 0
        counts += np.array(taken)
        total = int(counts.sum())
        for weight, count in zip(weights, counts.tolist(), strict=True):
            assert abs(count - Fraction(weight * total, sum(weights))) < 2


def test_shares_are_exact_whenever_the_rows_divide() -> None:
    counts = np.array(quota([1, 2, 5], np.zeros(3, np.int64), 80))
    assert counts.tolist() == [10, 20, 50]


def test_the_quota_does_not_depend_on_how_rows_are_cut_into_steps() -> None:
    whole = quota([3, 1, 7], np.zeros(3, np.int64), 60)
    counts = np.zeros(3, np.int64)
    for rows in (1, 29, 30):
        counts += np.array(quota([3, 1, 7], counts, rows))
    assert counts.tolist() == whole


@pytest.mark.parametrize("weights", [[1, 1, 1], [1, 10, 30], [5, 3, 3, 1]])
def test_lanes_of_a_source_stay_close_together(weights: list[int]) -> None:
    slots = 24
    counts, served = np.zeros(len(weights), np.int64), np.zeros((len(weights), slots), np.int64)
    for step in range(300):
        taken = quota(weights, counts, slots)
        chosen = assign_slots(taken, weights, served, step)
        assert np.bincount(chosen, minlength=len(weights)).tolist() == taken
        counts += np.array(taken)
        served[chosen, np.arange(slots)] += 1
    assert (served.max(axis=1) - served.min(axis=1)).max() <= 6
