"""The figures mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from corpus.relevance.evaluation import (
    at_threshold,
    auc,
    calibration,
    precision_at,
    recall_at_fpr,
    recall_intervals,
    report,
    threshold_at_fpr,
    valley,
    worst_recall,
)

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


def many(sites: int = 30, pages: int = 20, seed: int = 3) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Scores that part two kinds of sites, with some overlap."""
    random = np.random.default_rng(seed)
    names = [f"s{n}" for n in range(sites) for _ in range(pages)]
    wanted = np.array([int(name[1:]) % 2 == 0 for name in names])
    return wanted, random.normal(np.where(wanted, 4.0, 0.0)), names


def test_intervals_hold_the_figure_and_widen_where_pages_of_a_site_are_alike() -> None:
    wanted, scores, names = many()
    within = recall_intervals(wanted, scores, names)
    for rate, (low, high) in within.items():
        assert low <= recall_at_fpr(wanted, scores, float(rate)) <= high
    together = scores + np.random.default_rng(5).normal(0, 1.5, 30)[[int(name[1:]) for name in names]]
    across = recall_intervals(wanted, together, names)
    assert across["0.02"][1] - across["0.02"][0] > within["0.02"][1] - within["0.02"][0]


def test_drawing_every_site_once_gives_the_figure_itself() -> None:
    wanted, scores, _ = many()
    one_site = ["only"] * len(scores)
    found = recall_intervals(wanted, scores, one_site)
    assert all(bounds == [recall_at_fpr(wanted, scores, float(f))] * 2 for f, bounds in found.items())


def test_small_sites_are_not_called_the_worst() -> None:
    wanted = np.array([True] * 25 + [True] * 5)
    scores = np.array([0.9] * 20 + [0.1] * 5 + [0.0] * 5)
    found = worst_recall(wanted, scores, ["large"] * 25 + ["small"] * 5, 0.5)
    assert found == {"site": "large", "pages": 25, "recall": 0.8}
    assert worst_recall(wanted, scores, ["a"] * 10 + ["b"] * 20, 0.5, least=50) is None


def test_precision_on_the_web_follows_from_rates_alone() -> None:
    assert precision_at(0.01, 0.8, 0.01) == pytest.approx(0.008 / (0.008 + 0.0099))
    assert precision_at(0.01, 0.8, 0.0) == 1.0


def test_a_calibrated_scorer_has_no_error_and_a_bragging_one_has() -> None:
    random = np.random.default_rng(1)
    chances = random.random(20_000)
    wanted = random.random(20_000) < chances
    assert calibration(wanted, chances)["expected_error"] < 0.02
    assert calibration(wanted, np.where(chances > 0.5, 0.99, 0.01))["expected_error"] > 0.2
