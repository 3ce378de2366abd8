"""What is known of a trained classifier: its figures on held-out sites, scorer by scorer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.labels import rules
from corpus.labels.votes import POSITIVE
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.evaluation import Floats
from corpus.relevance.labels import Label
from corpus.relevance.second import logistic, rule
from corpus.relevance.second.training import BOTH, FIRST, Joined, crossed
from corpus.relevance.table import targets
from corpus.relevance.training import Example, Trained
from corpus.relevance.views import Pages, measure, prefix_recall


@dataclass(frozen=True)
class Outcome:
    """`scores` holds by scorer the held-out scores of the pages, in their order."""

    metrics: dict[str, Any]
    scores: dict[str, Floats]


def outcome(
    trained: Trained,
    joined: Joined | None,
    *,
    pages: Sequence[Example],
    known: Pages,
    labels: Mapping[str, Label],
    config: ClassifierConfig,
) -> Outcome:
    """All figures for fastText alone, for the second scorer alone, and for both."""
    scores, chances, thresholds = _scorers(trained, known, joined)
    scorers = {
        name: measure(
            known,
            scores[name],
            chances[name],
            thresholds[name],
            shown=joined.shown if joined and name == BOTH else None,
            prevalence=config.prevalence,
            seed=config.seed,
        )
        for name in scores
    }
    last = BOTH if joined else FIRST
    metrics: dict[str, Any] = {
        "held_out": scorers[last],
        "scorers": scorers,
        "pages_by_giver": dict(sorted(Counter(labels[page.url].given_by for page in pages).items())),
        "calibration": vars(_platt(trained, known)),
    }
    metrics["targets"] = [list(row) for row in targets(scorers)]
    if joined:
        metrics["passing_first"] = joined.passing
    if config.prefixes:
        metrics["prefixes"] = _prefixes(pages, scores[last], thresholds[last], config)
    return Outcome(metrics, scores)


def _scorers(
    trained: Trained, known: Pages, joined: Joined | None
) -> tuple[dict[str, Floats], dict[str, Floats], dict[str, float]]:
    if joined:
        return joined.scores, joined.chances, {FIRST: trained.threshold, **joined.thresholds}
    logits = logistic.logits(trained.scores)[:, None]
    chances = crossed(known, logits, known.clean, np.array(trained.folds))
    return {FIRST: trained.scores}, {FIRST: chances}, {FIRST: trained.threshold}


def _platt(trained: Trained, known: Pages) -> rule.Calibration:
    return rule.calibrate(logistic.logits(trained.scores)[known.clean], known.wanted[known.clean])


def _prefixes(
    pages: Sequence[Example], scores: Floats, threshold: float, config: ClassifierConfig
) -> list[dict[str, Any]]:
    vetted = rules.read(list(config.prefixes))

    def prefix_of(url: str) -> str:
        found = vetted.find(url)
        return f"{found.host}{found.path}" if found and found.label == POSITIVE else ""

    return prefix_recall([page.url for page in pages], scores, threshold, prefix_of)
