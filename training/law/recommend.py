"""From fitted laws to a share: the best one for a weighted target, or the largest that does no harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from corpus.engine.errors import UserError
from training.law.choice import Choice, weighted
from training.law.fit import refit
from training.law.losses import Floats, Losses

GRID = 0.01  # step of the share that is searched
INTERVAL = 0.9


@dataclass(frozen=True)
class Law:
    """What was fitted: a choice and its runs for each benchmark, and the source whose share was swept.

    The runs are the same for all benchmarks, in the same order.
    """

    choices: Mapping[str, Choice]
    runs: Mapping[str, Losses]
    source: str

    def predict(self, grid: Losses) -> dict[str, Floats]:
        return {name: choice.fit.predict(grid) for name, choice in self.choices.items()}


@dataclass(frozen=True)
class Recommendation:
    """`share` of the source whose share was swept, with all `shares` that go with it.

    `low` and `high` hold the middle 90 % of the optima of resampled runs: an interval that spans most of the
    swept range says that the runs do not tell.
    """

    source: str
    share: float
    low: float
    high: float
    shares: dict[str, float]
    losses: dict[str, float]


def candidates(losses: Losses, source: str, step: float = GRID) -> Losses:
    """Mixes between the least and the largest share that was run, at the largest size and most tokens.

    The other sources share the rest in the ratio that they have over all runs. `values` are NaN.
    """
    at = losses.sources.index(source)
    swept = losses.shares[:, at]
    low, high = float(swept.min()), float(swept.max())
    if high <= low:
        raise UserError(f"all runs have the same share of {source}; a law needs at least three shares of it.")
    grid = np.round(np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step, 9)
    rest = np.where(np.arange(len(losses.sources)) == at, 0, losses.shares.sum(0))
    ratio = rest / max(rest.sum(), 1e-12)
    shares = (1 - grid)[:, None] * ratio[None, :]
    shares[:, at] = grid
    same = np.ones(len(grid))
    return Losses(
        losses.sources, shares, same * losses.sizes.max(), same * losses.tokens.max(), same * np.nan
    )


def best_share(
    law: Law, weights: Mapping[str, float], *, resamples: int = 200, seed: int = 0
) -> Recommendation:
    """The share with the least weighted loss."""

    def pick(predicted: Mapping[str, Floats]) -> int:
        return int(np.argmin(weighted(predicted, weights)))

    return _recommend(law, pick, resamples, seed)


def largest_share(
    law: Law, allowed: Mapping[str, float], *, resamples: int = 200, seed: int = 0
) -> Recommendation:
    """The largest share at which every benchmark in `allowed` stays at or below the loss that it names.

    In the manner of the critical mixture ratio (Gu et al., 2407.17467), which allows a little more than the
    loss before training. Where no share does, the least that was run.
    """

    def pick(predicted: Mapping[str, Floats]) -> int:
        kept = np.all([predicted[name] <= most for name, most in allowed.items()], axis=0)
        return int(np.flatnonzero(kept)[-1]) if kept.any() else 0

    return _recommend(law, pick, resamples, seed)


def _recommend(
    law: Law, pick: Callable[[Mapping[str, Floats]], int], resamples: int, seed: int
) -> Recommendation:
    grid = candidates(next(iter(law.runs.values())), law.source)
    swept = grid.shares[:, grid.sources.index(law.source)]
    predicted = law.predict(grid)
    best = pick(predicted)
    drawn = [swept[pick(again)] for again in _resampled(law, grid, resamples, seed)]
    low, high = np.quantile(drawn, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2]) if drawn else (np.nan, np.nan)
    return Recommendation(
        law.source,
        float(swept[best]),
        float(low),
        float(high),
        {name: float(share) for name, share in zip(grid.sources, grid.shares[best])},
        {name: float(values[best]) for name, values in predicted.items()},
    )


def _resampled(law: Law, grid: Losses, resamples: int, seed: int) -> Iterator[dict[str, Floats]]:
    """Predictions of refits on mixes drawn with replacement, the same mixes for every benchmark.

    A drawn mix stands for one of its runs, so that the noise of the seeds is in the interval too. Draws with
    no more different mixes than a form has parameters say nothing and are left out.
    """
    rng = np.random.default_rng(seed)
    groups = next(iter(law.runs.values())).groups()
    most = max(choice.fit.form.parameters for choice in law.choices.values())
    for _ in range(resamples):
        drawn = rng.integers(len(groups), size=len(groups))
        rows = np.array([rng.choice(groups[group]) for group in drawn])
        if len(set(drawn.tolist())) > most:
            yield {n: refit(c.fit, law.runs[n].where(rows)).predict(grid) for n, c in law.choices.items()}
