"""Training the second scorer on the pages of the first, and the rule that joins the two, by held-out site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.relevance.evaluation import Flags, Floats
from corpus.relevance.labels import AGENT, GENERAL, STUB
from corpus.relevance.second import head, logistic, rule
from corpus.relevance.second.rule import Rule
from corpus.relevance.second.scorer import Second
from corpus.relevance.views import Pages, clean_threshold

FIRST, SECOND, BOTH = "fasttext", "second", "both"
READ_WEIGHT = 3.0  # of a page that was read, against one whose site has a label
SHARES = {AGENT: 1.0, GENERAL: 1.0, STUB: 0.4}  # of the classes in the whole weight
_NOWHERE = -30.0  # logit of a page that has no extracted text


@dataclass(frozen=True)
class Joined:
    """Both scorers together. `scores` and `chances` hold, by scorer, held-out values of each page.

    `chances` are calibrated, each on the folds that the page is not in. `shown`: the pages that come to the
    second scorer; `passing`: their share of the wanted and of the other pages.
    """

    second: Second
    scores: dict[str, Floats]
    chances: dict[str, Floats]
    thresholds: dict[str, float]
    shown: Flags
    passing: dict[str, float]


def train_second(
    pages: Pages,
    first: Floats,
    fold: Sequence[int],
    structure: Floats,
    embedding: Floats,
    *,
    encoder: str,
    max_tokens: int,
    target_fpr: float,
    seed: int,
) -> Joined:
    """`first`: held-out first scores; `structure` [pages, numbers] and `embedding` [pages, dimensions].

    A page without an extracted text has a row of nan: its second score is 0, and nothing is trained on it.
    """
    there: Flags = np.asarray(~np.isnan(structure).any(axis=1), dtype=bool)
    folds, wanted = np.array(fold), pages.wanted
    margin = held_out(pages, folds, there, structure, embedding, seed)
    sure = pages.clean & there
    calibration = rule.calibrate(margin[sure], wanted[sure])
    second = calibration.chances(margin)
    logits = np.stack([logistic.logits(first), logistic.logits(second)], 1)
    columns = {FIRST: logits[:, :1], SECOND: logits[:, 1:], BOTH: logits}
    chances = {name: crossed(pages, column, sure, folds) for name, column in columns.items()}
    scores = {FIRST: first, SECOND: second, BOTH: chances[BOTH]}
    thresholds = {name: clean_threshold(pages, scores[name], target_fpr) for name in (SECOND, BOTH)}
    joint = rule.joint(logits[there], wanted[there], weights(pages, there), sure[there])
    kept = sure & wanted & (scores[BOTH] >= thresholds[BOTH])
    least = rule.first_threshold(first, kept, pages.language)
    first_weight, second_weight = (float(weight) for weight in joint.weights)
    decision = Rule(first_weight, second_weight, joint.bias, least, thresholds[BOTH])
    shown = first >= least
    passing = {"wanted": _share(shown[sure & wanted]), "others": _share(shown[sure & ~wanted])}
    model = fit(pages, there, structure, embedding, seed)
    second_scorer = Second(model, encoder, max_tokens, calibration, decision)
    return Joined(second_scorer, scores, chances, thresholds, shown, passing)


def held_out(  # noqa: PLR0917 - arrays of one set of pages
    pages: Pages, folds: Floats, there: Flags, structure: Floats, embedding: Floats, seed: int
) -> Floats:
    """The logit of each page by a head that never saw its site."""
    margin = np.full(len(folds), _NOWHERE)
    for number in sorted(set(folds.tolist())):
        inside, held = there & (folds != number), there & (folds == number)
        if len(set(pages.wanted[inside].tolist())) == 2 and held.any():
            model = fit(pages, inside, structure, embedding, seed)
            margin[held] = model.logits(structure[held], embedding[held])
    return margin


def fit(pages: Pages, chosen: Flags, structure: Floats, embedding: Floats, seed: int) -> head.Head:
    weight = weights(pages, chosen)
    return head.fit(structure[chosen], embedding[chosen], pages.wanted[chosen], weight, seed)


def weights(pages: Pages, chosen: Flags) -> Floats:
    """Weights of the chosen pages, with a mean of 1: sites speak by the square root of their size."""
    at = np.flatnonzero(chosen)
    sizes = Counter(pages.site[n] for n in at)
    found = np.array([sizes[pages.site[n]] ** -0.5 for n in at]) * np.where(pages.read[at], READ_WEIGHT, 1.0)
    label = np.array(pages.label, dtype=object)[at]
    for name, share in SHARES.items():
        here = label == name
        if here.any():
            found[here] *= share / found[here].sum()
    found *= len(found) / found.sum()
    return found


def crossed(pages: Pages, logits: Floats, sure: Flags, folds: Floats) -> Floats:
    """Calibrated chances from the logits of scores [pages, scores], for each fold fitted on the others."""
    found, wanted = np.zeros(len(logits)), pages.wanted
    for number in sorted(set(folds.tolist())):
        held = folds == number
        inside = ~held if len(set(wanted[sure & ~held].tolist())) == 2 else np.ones(len(held), dtype=bool)
        weight = weights(pages, inside)
        fitted = rule.joint(logits[inside], wanted[inside], weight, sure[inside])
        found[held] = logistic.chances(fitted.logits(logits[held]))
    return found


def _share(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else 0.0
