"""Fit a form: Huber loss of the logarithms, many starts, bounded parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from training.law.forms import Form, Inputs, inputs_of
from training.law.losses import Floats, Losses

HUBER = 0.01  # residuals of log loss beyond this, about one per cent, count linearly
STARTS, DESCENTS, BEST = 256, 8, 2  # points drawn; those of least cost that are descended from; ends kept
_TINY = 1e-9


@dataclass(frozen=True)
class Fit:
    """A form with its parameters. `starts` are the best of its descents, for refits on parts of the runs."""

    form: Form
    free: tuple[int, ...]
    parameters: Floats
    cost: float
    starts: tuple[Floats, ...]

    def predict(self, losses: Losses) -> Floats:
        return np.asarray(self.form.loss(self.parameters, inputs_of(losses, self.free)))


def fit(form: Form, losses: Losses, free: Sequence[int], *, starts: int = STARTS, seed: int = 0) -> Fit:
    """The best descent from the most promising of `starts` points drawn by `seed`."""
    rng = np.random.default_rng(seed)
    low, high = np.array(form.spread).T
    drawn = low + (high - low) * rng.random((starts, form.parameters))
    x, logs = inputs_of(losses, free), np.log(losses.values)
    costs = [float(np.abs(_residuals(form, point, x, logs)).sum()) for point in drawn]
    first = [drawn[at] for at in np.argsort(costs, kind="stable")[:DESCENTS]]
    return _best(form, losses, tuple(free), first)


def refit(found: Fit, losses: Losses) -> Fit:
    """The same form on other runs, from where the first fit ended."""
    return _best(found.form, losses, found.free, list(found.starts))


def _best(form: Form, losses: Losses, free: tuple[int, ...], starts: Sequence[Floats]) -> Fit:
    x, logs = inputs_of(losses, free), np.log(losses.values)
    ends = sorted((_descend(form, x, logs, start) for start in starts), key=lambda end: end[0])
    return Fit(form, free, ends[0][1], ends[0][0], tuple(end for _, end in ends[:BEST]))


def _descend(form: Form, x: Inputs, logs: Floats, start: Floats) -> tuple[float, Floats]:
    low, high = np.array(form.bounds).T

    inside = np.clip(start, low + 1e-9, np.where(np.isfinite(high), high - 1e-9, high))
    found = least_squares(
        lambda p: _residuals(form, p, x, logs),
        inside,
        bounds=(low, high),
        x_scale="jac",
        loss="huber",
        f_scale=HUBER,
        max_nfev=200,
    )
    return float(found.cost), found.x


def _residuals(form: Form, parameters: Floats, x: Inputs, logs: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(form.loss(parameters, x), _TINY)) - logs)


def leave_one_out(found: Fit, losses: Losses) -> float:
    """Mean absolute error of log loss on each mix when it is left out with all its seeds."""
    errors: list[float] = []
    for rows in losses.groups():
        rest = np.setdiff1d(np.arange(len(losses)), rows)
        predicted = refit(found, losses.where(rest)).predict(losses.where(rows))
        errors += list(np.abs(np.log(np.maximum(predicted, _TINY)) - np.log(losses.values[rows])))
    return float(np.mean(errors))
