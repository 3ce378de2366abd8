"""Which pages the encoder looks at, and what that loses: measured on a sample that it looks at in full."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.match.index.exact import Rows, Vectors
from corpus.match.index.files import SeedIndex

Floats = npt.NDArray[np.float32]
FEWEST = 30  # selected pages of the sample that a threshold is taken from
_DOUBT = 0.2  # chance that the true loss lies above the bound
_GENERAL, _LEAST_GENERAL, _NEAREST = 0.5, 100, 10


def slack(scores: Vectors, rows: Rows, limits: Floats) -> Floats:
    """How far each page's best hit lies above what selection asks of that seed [pages]; -inf without hits."""
    above = np.where(rows >= 0, scores - limits[np.maximum(rows, 0)], -np.inf)
    found: Floats = above.max(axis=1, initial=-np.inf).astype(np.float32)
    return found


def limits_of(
    kinds: list[str | None],
    background: Floats,
    *,
    min_score: float,
    min_margin: float,
    thresholds: dict[str, float],
) -> Floats:
    """For each seed the similarity from which a page is selected: as its kind and its background ask."""
    margins = np.array([thresholds.get(kind or "", min_margin) for kind in kinds], np.float32)
    limits: Floats = np.maximum(np.float32(min_score), background + margins).astype(np.float32)
    return limits


def background(index: SeedIndex, pages: Vectors, agent_scores: npt.NDArray[np.float64]) -> Floats:
    """What general pages reach with each seed: the mean of the highest cosines of the half with lower scores.

    Zeros where pages have no scores, or are too few.
    """
    found = np.zeros(len(index.vectors), np.float32)
    known = np.flatnonzero(np.isfinite(agent_scores))
    low = known[np.argsort(agent_scores[known], kind="stable")][: int(len(known) * _GENERAL)]
    if len(low) < _LEAST_GENERAL:
        return found
    for start in range(0, len(found), 8192):
        block = np.asarray(index.vectors[start : start + 8192], np.float32)
        scores = block @ pages[low].T
        found[start : start + len(block)] = -np.partition(-scores, _NEAREST - 1, axis=1)[:, :_NEAREST].mean(
            axis=1
        )
    return found


@dataclass(frozen=True)
class Measured:
    """Of the sample: what a full pass gives each page (from 0 on: selected), and what is guessed of it."""

    full: Floats
    coarse: Floats

    def selected(self, share: float | None) -> npt.NDArray[np.bool_]:
        """The pages that count as selected: by limit, or the best `share`; at least FEWEST, the best ones."""
        least = FEWEST if share is None else max(round(share * len(self.full)), FEWEST)
        order = np.lexsort((np.arange(len(self.full)), -self.full))
        found = self.full >= 0 if share is None else np.zeros(len(self.full), np.bool_)
        found[order[:least]] = True
        return found

    def thresholds(self, selected: npt.NDArray[np.bool_], most_lost: float) -> list[float]:
        """Coarse scores to shortlist from, the highest first; each further one loses less of the sample."""
        sorted_ = np.sort(self.coarse[selected])
        lost = allowed(len(sorted_), most_lost)
        found = []
        while True:
            found.append(float(sorted_[lost]))
            if lost == 0:
                return found
            lost //= 2


def allowed(count: int, share: float) -> int:
    """How many of `count` selected pages of a sample may be lost, so that of all of them hardly more than
    `share` are.

    The largest r for which Binomial(count, share) <= r has a chance of at most _DOUBT; 0 for small samples.
    """
    if share >= 1:
        return count - 1
    lost = np.arange(count)
    steps = np.log((count - lost) / (lost + 1)) + np.log(share) - np.log1p(-share)  # in logarithms: the
    logs = count * np.log1p(-share) + np.concatenate([[0.0], np.cumsum(steps)])  # first chances underflow
    within = int(np.searchsorted(np.cumsum(np.exp(logs)), _DOUBT, side="right"))
    return min(max(within - 1, 0), max(count - 1, 0))


def loss(lost_in_sample: int, rate: float, found: int) -> float:
    """The share of all selected pages that the shortlist lacks; `found`: those found, sample included."""
    lost = lost_in_sample / rate * (1 - rate)
    return lost / (lost + found) if lost + found else 0.0
