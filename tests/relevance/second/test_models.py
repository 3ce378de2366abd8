"""The parts of the second scorer learn what they should, the same on every run, and are stored as plain numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest

from corpus.engine.errors import DataError
from corpus.relevance.second import boost, head, logistic, rule

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(800, 5))
CROSSED = (X[:, 0] > 0) == (X[:, 1] > 0)  # no feature tells it alone
ONES = np.ones(len(X))


def test_trees_learn_what_two_features_say_together() -> None:
    forest = boost.fit(X[:600], CROSSED[:600], ONES[:600], boost.Settings(columns=0.6))
    assert ((forest.logits(X[600:]) > 0) == CROSSED[600:]).mean() > 0.9


def test_rows_without_weight_teach_nothing() -> None:
    """Half of the rows say the opposite; with no weight they might as well not be there."""
    both, wanted = np.concatenate([X, X]), np.concatenate([X[:, 0] > 0, X[:, 0] < 0])
    weight = np.concatenate([np.full(800, 2.0), np.full(800, 1e-9)])
    forest = boost.fit(both, wanted, weight, boost.Settings(rounds=60))
    assert ((forest.logits(X) > 0) == (X[:, 0] > 0)).mean() > 0.95


def test_a_feature_that_never_changes_splits_nothing() -> None:
    forest = boost.fit(np.zeros((50, 3)), np.arange(50) % 2 == 0, np.ones(50), boost.Settings(rounds=5))
    assert np.allclose(forest.logits(np.ones((4, 3))), forest.base)


@pytest.mark.parametrize("dimensions", [0, 7])
def test_a_head_is_the_same_on_every_run_and_behind_its_bytes(dimensions: int) -> None:
    embedding = np.random.default_rng(1).normal(size=(len(X), dimensions))
    first, second = (head.fit(X, embedding, CROSSED, ONES, 7) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()
    again = head.Head.from_bytes(first.to_bytes())
    assert np.array_equal(again.logits(X, embedding), first.logits(X, embedding))
    one_by_one = [again.logits(X[[n]], embedding[[n]])[0] for n in range(5)]
    assert np.allclose(one_by_one, first.logits(X, embedding)[:5])


def test_pickled_objects_and_damaged_bytes_are_refused() -> None:
    stream = io.BytesIO()
    np.savez(stream, feature=np.array([{"a": 1}], dtype=object))
    for data in (
        stream.getvalue(),
        b"",
        b"PK\3\4 no archive",
        head.fit(X, X[:, :0], CROSSED, ONES, 7).to_bytes()[:200],
    ):
        with pytest.raises(DataError, match="damaged"):
            head.Head.from_bytes(data)


def test_logistic_regression_finds_the_weights_that_made_the_data() -> None:
    true = np.array([1.5, -2.0, 0.0, 0.5, 0.0])
    wanted = np.random.default_rng(6).random(len(X)) < logistic.chances(X @ true + 0.7)
    found = logistic.fit(X, wanted, ONES, l2=1e-3)
    assert np.abs(found.weights - true).max() < 0.5 and abs(found.bias - 0.7) < 0.4
    slope = X.T @ (logistic.chances(found.logits(X)) - wanted) + 1e-3 * found.weights
    assert np.abs(slope).max() < 1e-5  # the derivative of what is minimised


def test_separable_data_and_certain_scores_stay_finite() -> None:
    found = logistic.fit(X, X[:, 0] > 0, ONES)
    assert np.isfinite(found.weights).all()
    assert np.isfinite(logistic.logits(np.array([0.0, 1.0]))).all()


def test_a_score_that_counts_against_a_page_counts_nothing() -> None:
    inputs = np.stack([X[:, 0], -X[:, 0] + 0.3 * X[:, 1]], 1)
    found = rule.fit_positive(inputs, X[:, 0] > 0, ONES)
    assert found.weights[0] > 0 == found.weights[1]


def test_the_first_threshold_loses_a_bounded_share_of_what_both_would_keep() -> None:
    first = RANDOM.random(1000)
    kept = RANDOM.random(1000) < 0.3
    threshold = rule.first_threshold(first, kept)
    assert (first[kept] < threshold).mean() <= rule.LOST
    assert rule.first_threshold(first, np.zeros(1000, dtype=bool)) == 0.0
