"""Promises about the combined score."""

import numpy as np
import pytest

from corpus.engine.errors import UserError
from corpus.match.select.combine import HOST_PAGES, NAMES, Weights, fit, host_means, scaled
from corpus.relevance.second import logistic


def test_weights_are_read_as_they_are_written():
    weights = Weights({"classifier": 0.5, "margin": 3.0}, bias=-1.0, host=0.6, offset=0.25)
    assert Weights.of(weights.plain()) == weights


@pytest.mark.parametrize(
    ("given", "said"), [({"margn": 1.0}, "'margn'.*margin"), ({"match": float("nan")}, "weights are numbers")]
)
def test_a_wrong_weight_is_one_sentence(given, said):
    with pytest.raises(UserError, match=said):
        Weights.of(given)


def test_a_host_speaks_by_its_other_pages():
    own = np.array([1.0, 2.0, 6.0, 5.0, 4.0])
    found = host_means(own, ["a", "a", "a", "b", ""])
    assert found == pytest.approx(
        [8 / (2 + HOST_PAGES), 7 / (2 + HOST_PAGES), 3 / (2 + HOST_PAGES), 0.0, 0.0]
    )


def test_the_sum_is_what_the_formula_says():
    weights = Weights({"classifier": 2.0, "margin": -1.0}, bias=0.5, host=0.5, offset=3.0)
    features = np.zeros((2, len(NAMES)))
    features[:, NAMES.index("classifier")] = [1.0, 2.0]
    features[:, NAMES.index("margin")] = [4.0, 0.0]
    own = np.array([-1.5, 4.5])
    expected = own + 0.5 * own[::-1] / (1 + HOST_PAGES) + 3.0
    assert weights.sums(features, NAMES, ["h", "h"]) == pytest.approx(expected)


def planted(count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Features [pages, 3], of which the second says nothing and the third never varies, and what is wanted."""
    random = np.random.default_rng(2)
    wanted = random.random(count) < 0.4
    told = np.where(wanted, 1.0, -1.0) + 1.5 * random.standard_normal(count)
    return np.column_stack([told, random.standard_normal(count), np.full(count, 7.0)]), wanted


def test_a_fit_finds_what_tells_pages_apart_and_is_calibrated():
    features, wanted = planted()
    names = ("classifier", "match", "margin")
    weights = fit(features, names, wanted, np.ones(len(wanted)))
    assert weights.values["classifier"] > 5 * abs(weights.values["match"]) and weights.values["margin"] == 0.0
    weights = scaled(weights, weights.own(features, names), wanted)
    chances = logistic.chances(weights.own(features, names) + weights.offset)
    for low, high in ((0.1, 0.3), (0.4, 0.6), (0.7, 0.9)):
        here = (chances > low) & (chances < high)
        assert wanted[here].mean() == pytest.approx(chances[here].mean(), abs=0.08)


def test_scaling_keeps_the_order_of_pages():
    features, wanted = planted(500)
    names = ("classifier", "match", "margin")
    weights = Weights({"classifier": 0.1, "match": 0.05}, bias=2.0, host=0.6)
    hosts = [f"h{n % 7}" for n in range(500)]
    before = weights.sums(features, names, hosts)
    after = scaled(weights, before, wanted).sums(features, names, hosts)
    assert (np.argsort(before, kind="stable") == np.argsort(after, kind="stable")).all()


def test_without_a_second_scorer_the_classifier_speaks_for_both():
    weights = Weights({"classifier": 0.5, "second": 0.25, "margin": 2.0})
    assert weights.for_pages(["second"]).values == {"classifier": 0.75, "margin": 2.0}
    assert weights.for_pages(["classifier", "second"]).values == {"margin": 2.0}
    assert weights.for_pages([]) == weights
