"""Weighted logistic regression by Newton's method: for calibration, the joint rule, the embedding's head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
EDGE = 1e-6  # chances are held this far from 0 and 1, so that their logits are finite
_STEPS, _STILL = 50, 1e-9


@dataclass(frozen=True)
class Linear:
    """A logit that is linear in its inputs: `weights` [inputs], `bias`."""

    weights: Floats
    bias: float

    def logits(self, x: Floats) -> Floats:
        found: Floats = x @ self.weights + self.bias
        return found


def fit(x: Floats, wanted: npt.NDArray[np.bool_], weight: Floats, l2: float = 1.0) -> Linear:
    """Least weighted logistic loss plus l2 / 2 times the squared weights, the bias free; x [rows, inputs]."""
    full = np.concatenate([x, np.ones((len(x), 1))], 1)
    penalty = np.full(full.shape[1], l2)
    penalty[-1] = 1e-6
    found = np.zeros(full.shape[1])
    for _ in range(_STEPS):
        chance = chances(full @ found)
        slope = full.T @ (weight * (chance - wanted)) + penalty * found
        bend = (full * (weight * np.maximum(chance * (1 - chance), EDGE))[:, None]).T @ full
        step = np.linalg.solve(bend + np.diag(penalty), slope)
        step *= min(1.0, 10.0 / max(float(np.abs(step).max()), EDGE))  # far from the solution, no leaps
        found = found - step
        if float(np.abs(step).max()) < _STILL:
            break
    return Linear(found[:-1], float(found[-1]))


def chances(logits: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    return found


def logits(scores: Floats) -> Floats:
    held = np.clip(np.asarray(scores, dtype=np.float64), EDGE, 1 - EDGE)
    found: Floats = np.log(held / (1 - held))
    return found
