"""The one place where two scores become one decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.relevance.second import logistic
from corpus.relevance.second.logistic import Floats, Linear

# shares of the pages kept by both that the first threshold may lose: of all, and of any language among them
LOST, LOST_OF_LANGUAGE = 0.005, 0.1
_FEWEST = 10  # kept pages of a language that has a say


@dataclass(frozen=True)
class Rule:
    """A page is kept if its first score is at least `first_threshold` and the chance by both `threshold`.

    The chance is a logistic function of both scores' logits. Pages below `first_threshold` are never shown to
    the second scorer.
    """

    first_weight: float
    second_weight: float
    bias: float
    first_threshold: float
    threshold: float

    def chances(self, first: Floats, second: Floats) -> Floats:
        """The calibrated chance of being wanted, by both scores."""
        inputs = self.first_weight * logistic.logits(first) + self.second_weight * logistic.logits(second)
        return logistic.chances(inputs + self.bias)

    def chance(self, first: float, second: float) -> float:
        return float(self.chances(np.array([first]), np.array([second]))[0])

    def plain(self) -> dict[str, float]:
        return asdict(self)

    @staticmethod
    def of(data: dict[str, Any]) -> Rule:
        return Rule(**{name: float(data[name]) for name in Rule.__dataclass_fields__})


@dataclass(frozen=True)
class Calibration:
    """Platt's: a chance from a score's logit (Platt, 1999), fitted on scores of held-out sites."""

    weight: float
    bias: float

    def chances(self, logits: Floats) -> Floats:
        return logistic.chances(self.weight * logits + self.bias)


def calibrate(logits: Floats, wanted: npt.NDArray[np.bool_]) -> Calibration:
    found = fit_positive(logits[:, None], wanted, np.ones(len(logits)))
    return Calibration(float(found.weights[0]), found.bias)


def joint(
    logits: Floats, wanted: npt.NDArray[np.bool_], weight: Floats, sure: npt.NDArray[np.bool_]
) -> Linear:
    """One calibrated logit from those of both scores [pages, scores].

    How much each counts is learnt from all pages by their weights, stubs and hard ones among them; the chance
    is calibrated on the sure pages, each counted once.
    """
    both = fit_positive(logits, wanted, weight)
    scale = calibrate(both.logits(logits[sure]), wanted[sure])
    return Linear(scale.weight * both.weights, scale.weight * both.bias + scale.bias)


def fit_positive(inputs: Floats, wanted: npt.NDArray[np.bool_], weight: Floats) -> Linear:
    """Logistic regression on the logits of scores [pages, scores] without negative weights.

    A score that would count against a page counts nothing: the best of the others are taken alone.
    """
    taken = list(range(inputs.shape[1]))
    found = logistic.fit(inputs, wanted, weight)
    while len(taken) > 1 and (found.weights < 0).any():
        taken.pop(int(np.argmin(found.weights)))
        found = logistic.fit(inputs[:, taken], wanted, weight)
    weights = np.zeros(inputs.shape[1])
    weights[taken] = np.maximum(found.weights, 0.0)
    return Linear(weights, found.bias)


def first_threshold(first: Floats, kept: npt.NDArray[np.bool_], languages: Sequence[str] = ()) -> float:
    """The first score below which few of the pages lie that both would keep, in no language many.

    fastText learns words, so it knows a language by the sites it has seen in it: a threshold for all pages
    alike would sort out whole languages before the second scorer could speak for them.
    """
    if not kept.any():
        return 0.0
    found = [float(np.quantile(first[kept], LOST, method="lower"))]
    names = np.array(languages, dtype=object)
    for name in sorted(set(languages)):
        here = kept & (names == name)
        if here.sum() >= _FEWEST:
            found.append(float(np.quantile(first[here], LOST_OF_LANGUAGE, method="lower")))
    return min(found)
