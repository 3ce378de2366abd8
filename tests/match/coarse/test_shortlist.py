from math import comb

import numpy as np
import pytest

from corpus.match.coarse.shortlist import FEWEST, Measured, allowed, background, limits_of, loss, slack
from corpus.match.index.files import SeedIndex


def random_scores(count: int, seed: int, noise: float) -> Measured:
    rng = np.random.default_rng(seed)
    full = rng.normal(size=count)
    return Measured(full.astype(np.float32), (full + noise * rng.normal(size=count)).astype(np.float32))


@pytest.mark.parametrize("share", [0.03, 0.1])
@pytest.mark.parametrize("count", [30, 100, 150, 600])
def test_what_a_sample_may_lose_follows_the_binomial(count, share):
    def chance(lost: int) -> float:
        return sum(comb(count, n) * share**n * (1 - share) ** (count - n) for n in range(lost + 1))

    lost = allowed(count, share)
    assert chance(lost + 1) > 0.2
    assert lost == 0 or chance(lost) <= 0.2


@pytest.mark.parametrize("count, share", [(5000, 0.15), (5000, 0.5), (100_000, 0.03)])
def test_what_a_large_sample_may_lose_lies_below_the_mean_by_its_deviation(count, share):
    deviation = (count * share * (1 - share)) ** 0.5
    assert allowed(count, share) == pytest.approx(count * share - 0.8416 * deviation, abs=2)


def test_the_loss_of_all_pages_rarely_passes_the_bound():
    """The threshold comes from a sample; on fresh pages of the same kind at most one run in five may lose more."""
    passed = []
    for seed in range(60):
        sample, fresh = random_scores(1500, seed, 0.4), random_scores(6000, 1000 + seed, 0.4)
        least = sample.thresholds(sample.selected(0.1), 0.05)[0]
        wanted = fresh.full >= np.quantile(sample.full, 0.9)
        passed.append(float((fresh.coarse[wanted] < least).mean()))
    assert np.mean(np.array(passed) > 0.05) <= 0.3
    assert np.mean(passed) <= 0.05


def test_each_further_threshold_loses_less_and_the_last_one_nothing():
    sample = random_scores(2000, 1, 0.5)
    selected = sample.selected(0.2)
    thresholds = sample.thresholds(selected, 0.1)
    lost = [int((sample.coarse[selected] < least).sum()) for least in thresholds]
    assert thresholds == sorted(thresholds, reverse=True)
    assert lost == sorted(lost, reverse=True) and lost[-1] == 0 < lost[0]


def test_where_too_few_pass_the_limits_the_best_stand_for_them():
    sample = Measured(np.linspace(-5, -1, 300, dtype=np.float32), np.zeros(300, np.float32))
    assert np.flatnonzero(sample.selected(None)).tolist() == list(range(300 - FEWEST, 300))
    assert sample.selected(0.5).sum() == 150
    above = Measured(np.linspace(-1, 1, 300, dtype=np.float32), np.zeros(300, np.float32))
    assert above.selected(None).sum() == 150


def test_the_loss_counts_what_the_sample_stands_for():
    assert loss(0, 0.1, 100) == 0
    assert loss(2, 0.1, 82) == pytest.approx(18 / 100)
    assert loss(0, 0.1, 0) == 0


def test_slack_is_the_best_hit_above_its_own_limit():
    limits = np.array([0.5, 0.1], np.float32)
    scores = np.array([[0.6, 0.3], [0.4, -np.inf]], np.float32)
    rows = np.array([[0, 1], [0, -1]])
    assert slack(scores, rows, limits).tolist() == pytest.approx([0.2, -0.1])


def test_limits_follow_kind_and_background():
    found = limits_of(
        ["tool_doc", "code", None],
        np.array([0.3, 0.1, 0.1], np.float32),
        min_score=0.2,
        min_margin=0.0,
        thresholds={"tool_doc": 0.1},
    )
    assert found.tolist() == pytest.approx([0.4, 0.2, 0.2])


def test_the_background_is_what_pages_with_low_scores_reach():
    pages = np.tile(np.eye(2, dtype=np.float32), (300, 1))
    index = SeedIndex(np.eye(2, dtype=np.float16), None)
    scores = np.tile([0.9, 0.1], 300)  # the pages like the first seed are wanted
    assert background(index, pages, scores).tolist() == [0, 1]
    assert background(index, pages[:50], scores[:50]).tolist() == [0, 0]
    assert background(index, pages, np.full(600, np.nan)).tolist() == [0, 0]
