"""The combined score: one chance from what the classifier, the second scorer and the match say of a page.

    own = bias + sum of weight * feature         of the page alone
    sum = own + host * (mean of own over the other pages of its host)
    combined_score = 1 / (1 + exp(-(sum + offset)))

The pages of a host speak for each other: a page of a documentation site is more likely documentation than
the same page elsewhere. The mean is taken as if HOST_PAGES more pages of own = 0 were there, so that few
pages say little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from corpus.engine.errors import UserError, nearest
from corpus.relevance.second import logistic

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
# What every page has, in the order of its features.
FEATURES = {
    "classifier": "logit of agent_score",
    "second": "logit of second_score",
    "match": "cosine similarity to the seed that the page resembles most",
    "margin": "the same less what general pages reach with that seed",
}
NAMES = tuple(FEATURES)
CLASSIFIERS, MATCHES = ("classifier", "second"), ("match", "margin")
FITTED = (*CLASSIFIERS, "margin")  # the cosine beside the margin adds nothing on sites held out
HOST_PAGES = 3.0
_FREE = ("bias", "host", "offset")
PENALTY = 30.0  # of the squared weights of standardised features; chosen on whole sites held out


@dataclass(frozen=True)
class Weights:
    """`values` by names of features; those not named weigh nothing."""

    values: Mapping[str, float]
    bias: float = 0.0
    host: float = 0.0
    offset: float = 0.0

    @staticmethod
    def of(data: Mapping[str, float], names: Sequence[str] = NAMES) -> Weights:
        """From a config. Raises UserError for a name that no page has, and for a weight that is no number."""
        known = [*names, *_FREE]
        for name, value in data.items():
            if name not in known:
                raise UserError(f"weights names '{name}', which no page has: {nearest(name, known)}")
            if not math.isfinite(value):
                raise UserError(f"the weight of '{name}' is {value}; weights are numbers.")
        free = {name: float(data.get(name, 0.0)) for name in _FREE}
        return Weights({n: float(v) for n, v in data.items() if n not in _FREE}, **free)

    def plain(self) -> dict[str, float]:
        """As `weights=` takes them."""
        every = {**self.values, "bias": self.bias, "host": self.host, "offset": self.offset}
        return {name: round(float(value), 4) for name, value in every.items()}

    def row(self, names: Sequence[str]) -> list[float]:
        """The weights in the order of the features."""
        return [float(self.values.get(name, 0.0)) for name in names]

    def for_pages(self, lacking: Sequence[str]) -> Weights:
        """For pages without these scores. Where the second scorer is missing, the classifier speaks for both:
        both are logits of chances.
        """
        values = dict(self.values)
        if "second" in lacking and "classifier" not in lacking:
            values["classifier"] = values.get("classifier", 0.0) + values.get("second", 0.0)
        return replace(self, values={name: value for name, value in values.items() if name not in lacking})

    def own(self, features: Floats, names: Sequence[str]) -> Floats:
        found: Floats = features @ np.array(self.row(names)) + self.bias
        return found

    def sums(self, features: Floats, names: Sequence[str], hosts: Sequence[str]) -> Floats:
        """Logits of the combined scores of pages among which all of their hosts' are."""
        own = self.own(features, names)
        return own + self.host * host_means(own, hosts) + self.offset


# For the packaged encoder where no labels are given; docs/match.md tells how they were fitted.
PACKAGED = Weights({"classifier": 0.8166, "second": 0.6696, "margin": 4.8544}, -1.7221, 0.6, 1.1383)


def host_means(own: Floats, hosts: Sequence[str]) -> Floats:
    """The mean over the other pages of each page's host; a page without a host stands alone."""
    names, at = np.unique(np.array(list(hosts), dtype=object).astype(str), return_inverse=True)
    sums, counts = np.bincount(at, own, len(names)), np.bincount(at, minlength=len(names))
    found: Floats = (sums[at] - own) / (counts[at] - 1 + HOST_PAGES)
    found[names[at] == ""] = 0.0
    return found


def fit(
    features: Floats, names: Sequence[str], wanted: Flags, weight: Floats, penalty: float = PENALTY
) -> Weights:
    """Weights of a page's own features: logistic regression on standardised columns.

    The penalty is felt by all columns alike. That is on purpose: features say much the same, and a fit that
    spreads its trust over them carries over to sites that it has not seen.
    """
    middle, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, np.inf)  # a column without variation weighs nothing
    found = logistic.fit((features - middle) / spread, wanted, weight / weight.mean(), penalty)
    values = found.weights / spread
    return Weights(dict(zip(names, values.tolist())), float(found.bias - values @ middle))


def scaled(weights: Weights, sums: Floats, wanted: Flags) -> Weights:
    """The same order of pages, with logits that are calibrated on `sums` of sure pages (Platt, 1999)."""
    found = logistic.fit(sums[:, None], wanted, np.ones(len(sums)), 1e-3)
    times = max(float(found.weights[0]), 1e-3)
    values = {name: value * times for name, value in weights.values.items()}
    offset = times * weights.offset + found.bias
    return Weights(values, weights.bias * times, weights.host, float(offset))
