"""The choice of thresholds: the loss that is promised holds on sites that were not seen."""

from __future__ import annotations

import numpy as np
import pytest

from corpus.crawl.trial.thresholds import (
    Level,
    choose,
    expected_cost,
    fold_of,
    lost_by_folds,
    measured,
    site_weights,
    threshold_at,
    wilson,
)


def planted(pages: int = 4_000, sites: int = 40, seed: int = 1) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Scores of wanted pages with their sites, and of others; sites differ in how well they score."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, sites, pages)
    wanted = np.clip(rng.normal(0.75 + rng.normal(0, 0.05, sites)[of][:, None], 0.12, (pages, 2)), 0, 1)
    others = np.clip(rng.normal(0.25, 0.15, (pages, 2)), 0, 1)
    return wanted, [f"site{n}" for n in of], others


def test_the_loss_stays_within_the_allowance_on_pages_of_new_sites() -> None:
    scores, sites, others = planted()
    nothing = np.zeros(len(scores), dtype=bool)
    for allowed in (0.005, 0.01, 0.05):
        choice = choose(scores, sites, others, [2.0, 20.0], allowed, besides=nothing)
        assert choice.loss.worst <= allowed
        fresh, _, _ = planted(seed=2)
        lost = (fresh < np.array(choice.thresholds)).any(axis=1).mean()
        assert lost <= 2 * allowed
        assert choice.loss.low <= choice.loss.share <= choice.loss.high
        assert expected_cost(others, choice.thresholds, [2.0, 20.0]) < 12  # of 22 with both steps off


def test_a_larger_allowance_never_costs_more() -> None:
    scores, sites, others = planted()
    nothing = np.zeros(len(scores), dtype=bool)
    costs = [
        expected_cost(
            others,
            choose(scores, sites, others, [2.0, 20.0], allowed, besides=nothing).thresholds,
            [2.0, 20.0],
        )
        for allowed in (0.0, 0.002, 0.01, 0.03)
    ]
    assert costs == sorted(costs, reverse=True)


def test_steps_are_off_where_other_steps_have_used_up_the_allowance() -> None:
    scores, sites, others = planted(400)
    besides = np.arange(400) % 10 == 0
    choice = choose(scores, sites, others, [2.0, 20.0], 0.01, besides=besides)
    assert choice.thresholds == (0.0, 0.0)
    assert choice.loss.share == pytest.approx(0.1)


def test_the_choice_is_the_same_in_any_order_of_pages() -> None:
    scores, sites, others = planted(500)
    order = np.random.default_rng(3).permutation(500)
    nothing = np.zeros(500, dtype=bool)
    first = choose(scores, sites, others, [2.0, 20.0], 0.01, besides=nothing)
    again = choose(
        scores[order], [sites[n] for n in order], others[order], [2.0, 20.0], 0.01, besides=nothing
    )
    assert first == again


def test_a_few_pages_that_score_alike_still_give_a_threshold() -> None:
    """The lowest score of some sites is not that of others: a part of it is."""
    scores = np.array([[0.95 + n / 1_000] for n in range(48)])
    sites = [f"s{n // 8}" for n in range(48)]
    choice = choose(scores, sites, np.zeros((9, 1)), [5.0], 0.01, besides=np.zeros(48, dtype=bool))
    assert 0 < choice.thresholds[0] < 0.95
    assert choice.loss.lost == 0


def test_folds_hold_whole_sites_and_are_even() -> None:
    _, sites, _ = planted(1_000)
    folds = fold_of(sites)
    assert all(len(set(folds[np.array(sites) == site])) == 1 for site in set(sites))
    assert np.bincount(folds).max() < 1.3 * np.bincount(folds).min()


def test_no_page_is_judged_by_a_threshold_that_its_site_helped_to_choose() -> None:
    scores = np.array([[0.1]] * 5 + [[0.9]] * 5)
    sites = ["low"] * 5 + ["high"] * 5
    lost = lost_by_folds(scores[:, 0], sites, fold_of(sites), Level(0.0, 1.0))
    assert lost.tolist() == [True] * 5 + [False] * 5


def test_each_site_counts_alike() -> None:
    scores = np.array([[0.5]] * 98 + [[0.1], [0.2]])
    sites = ["large"] * 98 + ["small"] * 2
    assert site_weights(sites).sum() == pytest.approx(1.0)
    assert threshold_at(scores[:, 0], sites, Level(0.24, 1.0)) == 0.1
    assert threshold_at(scores[:, 0], sites, Level(0.25, 1.0)) == 0.2
    assert threshold_at(scores[:, 0], sites, Level(0.0, 0.5)) == 0.05


def test_equal_scores_are_lost_together_or_not_at_all() -> None:
    scores = np.array([[0.3]] * 50 + [[0.8]] * 50)
    assert threshold_at(scores[:, 0], ["a"] * 100, Level(0.4, 1.0)) == 0.3


def test_none_lost_of_few_is_not_taken_for_zero() -> None:
    loss = measured(np.zeros(20, dtype=bool), ["a"] * 10 + ["b"] * 10)
    assert (loss.lost, loss.share, loss.low) == (0, 0.0, 0.0)
    assert loss.high == pytest.approx(wilson(0, 20)[1], abs=1e-6) and loss.high > 0.1


def test_pages_of_one_site_do_not_narrow_the_interval_like_pages_of_many() -> None:
    lost = np.array([True] * 50 + [False] * 450)
    together = measured(lost, ["a"] * 50 + [f"s{n // 50}" for n in range(450)])
    apart = measured(lost, [f"s{n % 10}" for n in range(500)])
    assert together.high - together.low > 2 * (apart.high - apart.low)
