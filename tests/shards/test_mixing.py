from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.engine.errors import DataError, UserError
from corpus.shards.mixing import check_weights, crossing, fill, token_targets

NAMES = ("agent", "code", "text")


def test_scarcest_source_sets_the_size_of_the_mix() -> None:
    targets = token_targets({"agent": 900, "code": 300, "text": 5000}, {"agent": 1, "code": 1, "text": 1})
    assert targets == {"agent": 300, "code": 300, "text": 300}


def test_wanted_total_is_split_by_weight() -> None:
    targets = token_targets({"agent": 9000, "code": 9000}, {"agent": 3, "code": 1}, tokens=4000)
    assert targets == {"agent": 3000, "code": 1000}


def test_total_that_cannot_be_had_names_the_source_and_what_it_lacks() -> None:
    with pytest.raises(DataError, match="'code' is short by 400 tokens"):
        token_targets({"agent": 9000, "code": 100}, {"agent": 1, "code": 1}, tokens=1000)


def test_source_without_tokens_is_named() -> None:
    with pytest.raises(DataError, match="'code' has no tokens"):
        token_targets({"agent": 10}, {"agent": 1, "code": 1})


def test_source_with_weight_zero_gets_nothing_and_limits_nothing() -> None:
    assert token_targets({"agent": 10, "code": 0}, {"agent": 1, "code": 0}) == {"agent": 10, "code": 0}


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(UserError, match="weight 0"):
        token_targets({"agent": 10}, {"agent": 0})


@given(
    st.lists(st.integers(1, 10**9), min_size=3, max_size=3),
    st.lists(st.floats(0.01, 100), min_size=3, max_size=3),
)
def test_targets_follow_the_weights_and_never_pass_what_is_there(
    tokens: list[int], weights: list[float]
) -> None:
    available, shares = dict(zip(NAMES, tokens)), dict(zip(NAMES, weights))
    targets = token_targets(available, shares)
    assert all(targets[name] <= available[name] for name in NAMES)
    assert any(targets[name] == available[name] for name in NAMES)
    total = sum(targets.values())
    for name in NAMES:
        assert targets[name] == pytest.approx(total * shares[name] / sum(weights), abs=3)


def test_set_without_any_weight_is_named() -> None:
    check_weights([("stage1", 0), ("stage1", 2), ("stage2", 1)])
    with pytest.raises(UserError, match="all sources of stage2 have weight 0"):
        check_weights([("stage1", 1), ("stage2", 0)])


@given(st.dictionaries(st.integers(-512, 511), st.integers(0, 100)), st.integers(0, 3000))
def test_crossing_is_where_the_running_sum_passes_the_target(slices: dict[int, int], target: int) -> None:
    found = crossing(list(slices.items())[::-1], target)
    if found is None:
        assert sum(slices.values()) <= target
    else:
        assert found.before == sum(tokens for number, tokens in slices.items() if number < found.slice)
        assert found.before <= target < found.before + slices[found.slice]
        assert found.room == target - found.before


@given(st.integers(0, 5000), st.lists(st.integers(1, 400), max_size=60))
def test_fill_never_passes_the_gap_and_leaves_no_document_that_would_fit(
    gap: int, lengths: list[int]
) -> None:
    candidates = [(f"{i:03d}", length) for i, length in enumerate(lengths)]
    chosen = fill(gap, candidates)
    left = gap - sum(dict(candidates)[name] for name in chosen)
    assert left >= 0
    assert len(set(chosen)) == len(chosen)
    assert all(length > left for name, length in candidates if name not in chosen)


def test_fill_does_not_depend_on_the_order_of_candidates() -> None:
    candidates = [("b", 5), ("a", 5), ("c", 3)]
    assert fill(8, candidates) == fill(8, candidates[::-1]) == ["a", "c"]
