"""Classifier, match and both together on labelled pages of sites that nothing was fitted to. Plain numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.match.select.combine import CLASSIFIERS, FITTED, MATCHES, NAMES, Weights, fit, scaled
from corpus.relevance.evaluation import Flags, Floats
from corpus.relevance.second import logistic
from corpus.relevance.second.training import weights as page_weights
from corpus.relevance.views import Pages, clean_threshold, measure

CLASSIFIER, MATCH, COMBINED = "classifier", "match", "combined"
HOST_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of which the figures are shown beside those of the weight in use
_NOWHERE = -60.0  # below every sum of an encoded page
TARGETS = {"recall at 0.1 %": 0.92, "recall at 1 %": 0.97, "AUC of the pages read": 0.975}


@dataclass(frozen=True)
class Known:
    """Labelled pages, one entry for each: `features` [pages, NAMES], `fold` by whole sites.

    `seen` pages were encoded; what the coarse pass has dropped is found by neither match nor combination.
    """

    pages: Pages
    fold: npt.NDArray[np.int64]
    features: Floats
    host: list[str]
    seen: Flags

    @property
    def usable(self) -> bool:
        """Whether both classes are there with and without each fold."""
        sure, wanted = self.pages.clean & self.seen, self.pages.wanted
        parts = [sure & (self.fold != number) for number in sorted(set(self.fold.tolist()))]
        return len(parts) > 1 and all(len(set(wanted[part].tolist())) == 2 for part in parts)


@dataclass(frozen=True)
class Fitted:
    """`weights` fitted on all pages; `threshold`: combined score that `target_fpr` of the negatives reach."""

    weights: Weights
    threshold: float
    facts: dict[str, Any]


def evaluate(
    known: Known, *, host: float, target_fpr: float, given: Weights | None, prevalence: float
) -> Fitted:
    """All figures, each page scored by weights that know nothing of its site. `given` ones are measured."""
    sums = {
        CLASSIFIER: held_out(known, CLASSIFIERS, 0.0),
        MATCH: held_out(known, MATCHES, 0.0),
        COMBINED: given.sums(known.features, NAMES, known.host) if given else held_out(known, FITTED, host),
    }
    for name in (MATCH, COMBINED):
        sums[name] = np.where(known.seen, sums[name], _NOWHERE)
    chances = {name: logistic.chances(values) for name, values in sums.items()}
    threshold = clean_threshold(known.pages, chances[COMBINED], target_fpr)
    figures = {
        name: _figures(known.pages, values, chances[name], threshold, prevalence)
        for name, values in sums.items()
    }
    weights = given or fitted(known, known.seen, FITTED, host)
    facts = {
        "pages": len(known.fold),
        "encoded": int(known.seen.sum()),
        "sites": len(set(known.pages.site)),
        "weights": weights.plain(),
        "weights_by": "config" if given else "labels",
        "min_combined": round(threshold, 6),
        "figures": figures,
        "targets": targets(figures),
    }
    if not given:
        facts["by_host_weight"] = _by_host_weight(known, prevalence)
    return Fitted(weights, threshold, facts)


def held_out(known: Known, names: Sequence[str], host: float) -> Floats:
    """Calibrated logits, for each fold fitted on the others."""
    features = known.features[:, [NAMES.index(name) for name in names]]
    found = np.zeros(len(known.fold))
    for number in sorted(set(known.fold.tolist())):
        held = known.fold == number
        weights = fitted(known, ~held & known.seen, names, host)
        mine = [one for one, flag in zip(known.host, held) if flag]
        found[held] = weights.sums(features[held], names, mine)
    return found


def fitted(known: Known, chosen: Flags, names: Sequence[str], host: float) -> Weights:
    """Weights learnt from the chosen pages."""
    features = known.features[chosen][:, [NAMES.index(name) for name in names]]
    wanted, sure = known.pages.wanted[chosen], known.pages.clean[chosen]
    weights = fit(features, names, wanted, page_weights(known.pages, chosen))
    weights = replace(weights, host=host)
    hosts = [one for one, flag in zip(known.host, chosen) if flag]
    return scaled(weights, weights.sums(features, names, hosts)[sure], wanted[sure])


def targets(figures: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is to be reached, what each reaches, and whether both are better than the classifier alone."""
    rows: list[dict[str, Any]] = []
    for name, goal in TARGETS.items():
        values = {scorer: _value(found, name) for scorer, found in figures.items()}
        one, both = values[CLASSIFIER], values[COMBINED]
        better = None if one is None or both is None else both > one
        rows.append({"name": name, "to_reach": goal, **values, "better_than_classifier": better})
    return rows


def _value(figures: Mapping[str, Any], name: str) -> float | None:
    if name.startswith("recall"):
        rate = {"recall at 0.1 %": "0.001", "recall at 1 %": "0.01"}[name]
        value = figures["by_site_labels"].get("recall_at_fpr", {}).get(rate)
    else:
        value = figures["read"].get("auc")
    return None if value is None else round(float(value), 4)


def _figures(
    pages: Pages, sums: Floats, chances: Floats, threshold: float, prevalence: float
) -> dict[str, Any]:
    """Of all that can be measured what the issue is judged by."""
    found = measure(pages, sums, chances, _logit(threshold), prevalence=prevalence)
    names = ("auc", "recall_at_fpr", "recall_intervals", "by_site_labels", "read", "stubs", "by_language")
    return {name: found[name] for name in names}


def _by_host_weight(known: Known, prevalence: float) -> list[dict[str, Any]]:
    rows = []
    for host in HOST_WEIGHTS:
        sums = np.where(known.seen, held_out(known, FITTED, host), _NOWHERE)
        found = measure(known.pages, sums, logistic.chances(sums), 0.0, prevalence=prevalence)
        values = {name: _value(found, name) for name in TARGETS}
        rows.append({"host": host, **values, "stubs_kept": found["read"].get("stubs_kept")})
    return rows


def _logit(chance: float) -> float:
    return float(logistic.logits(np.array([chance]))[0])
