"""Choose a form for each benchmark by leaving mixes out, and check the choice on what was set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from training.law.fit import STARTS, Fit, fit, leave_one_out
from training.law.forms import forms_for
from training.law.losses import Floats, Losses, free_sources


@dataclass(frozen=True)
class Choice:
    """The form with the least leave-one-out error; `errors` holds that of every form that was tried."""

    fit: Fit
    errors: dict[str, float]

    @property
    def error(self) -> float:
        return self.errors[self.fit.form.name]


@dataclass(frozen=True)
class Check:
    """On mixes that no fit has seen: mean relative `error`, `rank` correlation of weighted losses, `regret`.

    Regret is how much worse the mix that the law picks among them is than the best of them, in units of the
    loss. Rank and regret are those at the largest size alone: a law that knew nothing but that large models
    are better would rank runs of all sizes well. Losses are means over seeds there.
    """

    mixes: int
    error: float
    by_benchmark: dict[str, float]
    rank: float
    regret: float


def choose(losses: Losses, *, starts: int = STARTS, seed: int = 0) -> Choice:
    """The best of the forms that leave two mixes more than they have parameters, and of the mean.

    Others would pass through every point that is left when one is taken out.
    """
    free = free_sources(losses.shares)
    mixes = len(losses.groups())
    fits = {
        form.name: fit(form, losses, free, starts=starts, seed=seed)
        for form in forms_for(losses, free)
        if form.parameters + 2 <= mixes or form.name == "mean"
    }
    errors = {name: leave_one_out(found, losses) for name, found in fits.items()}
    best = min(errors, key=lambda name: (errors[name], fits[name].form.parameters))
    return Choice(fits[best], errors)


def weighted(predicted: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """The target: mean of the benchmarks' losses by their weights."""
    total = sum(weights.get(name, 0.0) for name in predicted)
    rows: Floats = np.stack([weights.get(name, 0.0) / total * values for name, values in predicted.items()])
    return np.asarray(rows.sum(axis=0))


def check(choices: Mapping[str, Choice], aside: Mapping[str, Losses], weights: Mapping[str, float]) -> Check:
    """Hold the choices to `aside`: for each benchmark the same runs, in the same order."""
    said = {name: choices[name].fit.predict(losses) for name, losses in aside.items()}
    true = {name: losses.values for name, losses in aside.items()}
    errors = {name: float(np.mean(np.abs(said[name] - true[name]) / true[name])) for name in said}
    first = next(iter(aside.values()))
    mixes = [rows for rows in first.groups() if first.sizes[rows[0]] == first.sizes.max()]
    law, measured = (
        weighted(
            {name: np.array([values[rows].mean() for rows in mixes]) for name, values in of.items()}, weights
        )
        for of in (said, true)
    )
    varies = len(law) > 2 and np.ptp(law) > 0 and np.ptp(measured) > 0
    return Check(
        mixes=len(first.groups()),
        error=float(np.mean(list(errors.values()))),
        by_benchmark=errors,
        rank=float(spearmanr(law, measured).statistic) if varies else float("nan"),
        regret=float(measured[int(np.argmin(law))] - measured.min()),
    )
