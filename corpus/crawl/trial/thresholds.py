"""Thresholds for the early steps of a cascade, chosen so that a stated share of the wanted pages is lost at
most.

A threshold at level q loses the share q of the pages that it is chosen on, each site counting alike. On
sites that it was not chosen on it loses more or less; so levels are tried by folds of sites, each fold
judged by thresholds from the other folds, and the levels are taken whose loss there is within the allowance
and that spare the most work.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
Sites: TypeAlias = "Sequence[str] | Numbers"  # names or numbers, one for each page
OFF = 0.0  # a threshold that every score passes
FOLDS = 5
_SHARES = (1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1.0)  # of the allowance, tried as levels
_PARTS = (0.25, 0.5, 0.75, 1.0)  # of the lowest score, where even that would lose too much on other sites
_DIGITS = 4
_RESAMPLES, _SEED = 2_000, 20_240_501
_Z = 1.96  # of a 95% interval


@dataclass(frozen=True)
class Loss:
    """Share of wanted pages that are lost on sites that the thresholds were not chosen on.

    `share` counts pages alike, `site_mean` sites; `low` and `high` bound `share` with 95% confidence: the
    wider of a bootstrap over sites (pages of one site go together) and a Wilson interval over pages (none
    lost is not zero).
    """

    lost: int
    pages: int
    share: float
    site_mean: float
    low: float
    high: float

    @property
    def worst(self) -> float:
        return max(self.share, self.site_mean)


class Level(NamedTuple):
    """Where a threshold lies: it loses `share` of the pages that it is chosen on, and is then made `part` of
    it.
    """

    share: float
    part: float


_OFF = Level(0.0, 0.0)


@dataclass(frozen=True)
class Choice:
    """`thresholds`: one for each step, chosen on all sites; `loss` of all steps together, `alone` of each."""

    thresholds: tuple[float, ...]
    loss: Loss
    alone: tuple[Loss, ...]


def choose(
    scores: Numbers,
    names: Sequence[str],
    others: Numbers,
    costs: Sequence[float],
    allowed: float,
    *,
    besides: Numbers,
) -> Choice:
    """The thresholds of the steps. Rows are pages, columns steps in their order.

    `scores` and `names` (of their sites) are those of wanted pages, `others` the scores of pages that are
    not wanted; `costs[i]` is what a page costs that passes step i, up to the next of the steps. `besides`
    are the wanted pages that are lost to steps without a threshold. If those alone are more than is allowed,
    all steps are off.
    """
    folds = fold_of(names)
    _, sites = np.unique(np.array(names, dtype=object), return_inverse=True)  # numbers are faster than names
    levels = [_OFF, *(Level(0.0, part) for part in _PARTS), *(Level(s * allowed, 1.0) for s in _SHARES)]
    steps = range(scores.shape[1])
    lost = {(n, level): lost_by_folds(scores[:, n], sites, folds, level) for n in steps for level in levels}
    chosen = {(n, level): threshold_at(scores[:, n], sites, level) for n in steps for level in levels}
    best: tuple[tuple[float, int, float], tuple[Level, ...]] = (math.inf, 0, 0.0), (_OFF,) * len(steps)
    for tried in itertools.product(levels, repeat=len(steps)):
        if sum(level.share for level in tried) > allowed:
            continue
        together = np.logical_or.reduce([besides, *(lost[pair] for pair in enumerate(tried))])
        loss = measured(together, sites, interval=False)
        if loss.worst > allowed:
            continue
        work = expected_cost(others, [chosen[pair] for pair in enumerate(tried)], costs)
        # of what costs the same here, more steps: other pages of the web may be stopped by one of them alone
        rank = (round(work, 3), tried.count(_OFF), loss.worst)
        if rank < best[0]:
            best = rank, tried
    alone = [lost[pair] for pair in enumerate(best[1])]
    return Choice(
        thresholds=tuple(chosen[pair] for pair in enumerate(best[1])),
        loss=measured(np.logical_or.reduce([besides, *alone]), sites),
        alone=tuple(measured(gone, sites) for gone in alone),
    )


def fold_of(sites: Sequence[str], folds: int = FOLDS) -> Numbers:
    """The fold of each page: whole sites, the largest first into the fold that has the fewest pages."""
    names, counts = np.unique(np.array(sites, dtype=object), return_counts=True)
    order = sorted(zip(names, counts), key=lambda pair: (-pair[1], hashlib.sha256(pair[0].encode()).digest()))
    filled = [0] * min(folds, len(order))
    fold = {}
    for name, count in order:
        fold[name] = filled.index(min(filled))
        filled[fold[name]] += int(count)
    return np.array([fold[site] for site in sites], dtype=np.int64)


def threshold_at(scores: Numbers, sites: Sites, level: Level) -> float:
    """The highest threshold that loses no more than its level, each site counting alike."""
    if not level.part or not len(scores):
        return OFF
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    # weight of those before each place
    below = np.concatenate(([0.0], np.cumsum(site_weights(sites)[order])))
    first = np.searchsorted(ordered, ordered, side="left")  # equal scores are lost or kept together
    fits = ordered[below[first] <= level.share + 1e-12]
    scale = 10**_DIGITS
    return float(math.floor(float(fits.max()) * level.part * scale) / scale)


def lost_by_folds(scores: Numbers, sites: Sites, folds: Numbers, level: Level) -> Numbers:
    """For each page whether it is lost by the threshold that the other folds would choose."""
    lost = np.zeros(len(scores), dtype=bool)
    names = np.asarray(sites)
    for fold in range(int(folds.max()) + 1):
        here = folds == fold
        lost[here] = scores[here] < threshold_at(scores[~here], names[~here], level)
    return lost


def expected_cost(others: Numbers, thresholds: Sequence[float], costs: Sequence[float]) -> float:
    """What an unwanted page costs behind the steps, on average: nearly all pages of a crawl are unwanted."""
    passing = np.ones(len(others), dtype=bool)
    total = 0.0
    for step, (threshold, cost) in enumerate(zip(thresholds, costs, strict=True)):
        passing &= others[:, step] >= threshold
        total += cost * float(passing.mean()) if len(others) else cost
    return total


def measured(lost: Numbers, sites: Sites, *, interval: bool = True) -> Loss:
    """The loss over pages and over sites, with its interval."""
    _, place = np.unique(np.asarray(sites), return_inverse=True)
    pages = np.bincount(place)
    gone = np.bincount(place, weights=lost.astype(float))
    share = float(gone.sum() / pages.sum())
    low, high = _interval(gone, pages) if interval else (0.0, 1.0)
    return Loss(int(gone.sum()), int(pages.sum()), share, float((gone / pages).mean()), low, high)


def site_weights(sites: Sites) -> Numbers:
    """The weight of each page, so that all sites weigh alike; 1 in all."""
    _, place, counts = np.unique(np.asarray(sites), return_inverse=True, return_counts=True)
    weights: Numbers = 1.0 / (counts[place] * len(counts))
    return weights


def _interval(gone: Numbers, pages: Numbers) -> tuple[float, float]:
    drawn = np.random.default_rng(_SEED).integers(0, len(pages), size=(_RESAMPLES, len(pages)))
    shares = gone[drawn].sum(axis=1) / pages[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    wilson_low, wilson_high = wilson(int(gone.sum()), int(pages.sum()))
    return round(min(float(low), wilson_low), 6), round(max(float(high), wilson_high), 6)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share (Wilson 1927)."""
    if not of:
        return 0.0, 1.0
    share, z2 = hits / of, _Z**2 / of
    centre, half = share + z2 / 2, _Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of))
    return max(0.0, (centre - half) / (1 + z2)), min(1.0, (centre + half) / (1 + z2))
