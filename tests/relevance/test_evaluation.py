"""The figures mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from corpus.relevance.evaluation import at_threshold, auc, recall_at_fpr, report, threshold_at_fpr, valley

WANTED = np.array([True, True, True, False, False, False, False])
SCORES = np.array([0.9, 0.6, 0.4, 0.6, 0.3, 0.2, 0.1])


def test_auc_counts_ordered_pairs_and_ties_as_half() -> None:
    pairs = [(p > n) + 0.5 * (p == n) for p in SCORES[WANTED] for n in SCORES[~WANTED]]
    assert auc(WANTED, SCORES) == pytest.approx(sum(pairs) / len(pairs))


@pytest.mark.parametrize("fpr", [0.0, 0.25, 0.5, 1.0])
def test_the_threshold_lets_no_more_negatives_pass_than_asked(fpr: float) -> None:
    threshold = threshold_at_fpr(WANTED, SCORES, fpr)
    assert (SCORES[~WANTED] >= threshold).mean() <= fpr
    assert recall_at_fpr(WANTED, SCORES, fpr) == (SCORES[WANTED] >= threshold).mean()


def test_precision_recall_and_accuracy_at_a_threshold() -> None:
    found = at_threshold(WANTED, SCORES, 0.5)
    assert found["precision"] == pytest.approx(2 / 3) and found["recall"] == pytest.approx(2 / 3)
    assert found["accuracy"] == pytest.approx(5 / 7) and found["false_positive_rate"] == pytest.approx(1 / 4)


def test_the_worst_site_stands_first() -> None:
    found = report(WANTED, SCORES, ["a", "a", "b", "c", "d", "d", "d"], 0.5)
    assert [entry["site"] for entry in found["worst_sites"][:2]] == ["b", "c"] and found["sites"] == 4


def test_the_valley_lies_between_two_groups() -> None:
    assert 0.2 < valley(np.array([0.1, 0.15, 0.2, 0.8, 0.85])) < 0.8
