from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.engine.config import build
from corpus.engine.errors import DataError, UserError
from corpus.shards.config import ShardConfig
from corpus.shards.mixing import crossing, fill, token_targets, weights_of

NAMES = ("agent", "code", "text")


def test_scarcest_source_sets_the_size_of_the_mix() -> None:
    targets = token_targets({"agent": 900, "code": 300, "text": 5000}, {"agent": 1, "code": 1, "text": 1})
    assert targets == {"agent": 300, "code": 300, "text": 300}


def test_wanted_total_is_split_by_weight() -> None:
    targets = token_targets({"agent": 9000, "code": 9000}, {"agent": 3, "code": 1}, tokens=4000)
    assert targets == {"agent": 3000, "code": 1000}


def test_total_that_cannot_be_had_names_the_source_and_what_it_lacks() -> None:
    with pytest.raises(DataError) as error:
        token_targets({"agent": 9000, "code": 100}, {"agent": 1, "code": 1}, tokens=1000)
    assert str(error.value) == (
        "the source 'code' is short by 400 tokens of 500 (it has 100 and repeat=1; input.code.repeat=5 or a smaller "
        "weight would do). With these weights and repeats the mix can have tokens=200 at most."
    )


def test_what_an_error_proposes_can_be_had() -> None:
    available, weights = {"agent": 9000, "code": 100}, {"agent": 1.0, "code": 1.0}
    assert token_targets(available, weights, 1000, {"code": 5}) == {"agent": 500, "code": 500}
    assert token_targets(available, weights, 200) == {"agent": 100, "code": 100}


def test_repetition_is_used_only_as_far_as_the_others_reach() -> None:
    available, weights = {"agent": 100, "text": 300}, {"agent": 1.0, "text": 1.0}
    assert token_targets(available, weights, 0, {"agent": 4}) == {"agent": 300, "text": 300}
    assert token_targets(available, weights, 0, {"agent": 2.5}) == {"agent": 250, "text": 250}
    assert token_targets(available, weights, 0, {"agent": 4, "text": 4}) == {"agent": 400, "text": 400}


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


def config(sources: dict[str, dict[str, Any]], **keys: Any) -> ShardConfig:
    inputs = {name: {"path": ["x"], **source} for name, source in sources.items()}
    return build(ShardConfig, {"input": inputs, "output": "o", **keys})


def test_sources_weigh_the_same_by_default() -> None:
    assert weights_of(config({"agent": {}, "code": {}, "text": {}})) == {
        "stage1": {"agent": 1, "code": 1, "text": 1}
    }


def test_set_without_any_weight_is_named() -> None:
    with pytest.raises(UserError, match="all sources of stage2 have weight 0"):
        weights_of(config({"a": {}, "b": {"weight": 0, "set": "stage2"}}))


def test_sources_of_one_group_share_its_weight() -> None:
    sources = {
        "pages": {"group": "agent", "weight": 2},
        "seeds": {"group": "agent"},
        "talks": {"group": "agent", "set": "sft"},
        "code": {},
        "text": {},
    }
    found = weights_of(config(sources))
    assert found["stage1"] == pytest.approx({"pages": 2 / 3, "seeds": 1 / 3, "code": 1, "text": 1})
    assert found["sft"] == {"talks": 1}
    heavier = weights_of(config(sources, group_weights={"agent": 3, "code": 2}))["stage1"]
    assert heavier == pytest.approx({"pages": 2, "seeds": 1, "code": 2, "text": 1})
    with pytest.raises(UserError, match="unknown group 'agnet'"):
        weights_of(config(sources, group_weights={"agnet": 1}))


@given(st.lists(st.floats(0.1, 10), min_size=4, max_size=4), st.floats(0, 1), st.booleans())
def test_the_agent_share_is_met_and_the_others_keep_their_proportions(
    weights: list[float], share: float, is_grouped: bool
) -> None:
    a, b, code, text = weights
    names = ("pages", "seeds") if is_grouped else ("agent", "other")
    group = {"group": "agent"} if is_grouped else {}
    sources = {names[0]: {"weight": a, **group}, "code": {"weight": code}, "text": {"weight": text}}
    sources |= {names[1]: {"weight": b, **group}} if is_grouped else {}
    found = weights_of(config(sources, agent_share=share))["stage1"]
    agent = sum(found.get(name, 0) for name in names)
    assert agent / sum(found.values()) == pytest.approx(share)
    assert found["code"] * text == pytest.approx(found["text"] * code)
    if is_grouped:
        assert found["pages"] * b == pytest.approx(found["seeds"] * a)


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [({"code": {}}, "no source in the group 'agent'"), ({"agent": {}}, "no source beside the group 'agent'")],
)
def test_an_agent_share_that_cannot_be_is_refused(sources: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        weights_of(config(sources, agent_share=0.4))
    only = {"agent": {}, "code": {}}
    assert weights_of(config(only, agent_share=1))["stage1"] == {"agent": 1, "code": 0}


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
