"""Forms that a loss over shares may have, from the literature, and two baselines that each must beat.

Exponential: Ye et al., Data Mixing Laws (2403.16952). Power of a share: Ge et al., BiMix (2405.14908).
Joint in size, tokens and share: Que et al., D-CPT Law (2406.01375). Scaled: a form times a power of the size.
Valley: two exponentials, since too little and too much of a source both hurt, as the Hephaestus paper draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.law.losses import Floats, Losses, free_sources

EPSILON = 0.01  # a share of nothing at all is at this distance from infinite loss, where a form has one
_LARGEST, _TINY, _INF = 30.0, 1e-9, float("inf")


@dataclass(frozen=True)
class Inputs:
    """What a form sees: `shares` of the free sources (runs, free), sizes in 1e8 parameters, tokens in 1e9."""

    shares: Floats
    sizes: Floats
    tokens: Floats


@dataclass(frozen=True)
class Form:
    """`loss(parameters, inputs)` gives (runs,); `bounds` are (low, high) per parameter, signs among them."""

    name: str
    loss: Callable[[Floats, Inputs], Any]
    bounds: tuple[tuple[float, float], ...]
    spread: tuple[tuple[float, float], ...]  # where starts are drawn

    @property
    def parameters(self) -> int:
        return len(self.bounds)


def inputs_of(losses: Losses, free: Sequence[int]) -> Inputs:
    return Inputs(losses.shares[:, list(free)], losses.sizes / 1e8, losses.tokens / 1e9)


def forms_for(losses: Losses, free: Sequence[int] | None = None) -> list[Form]:
    """The forms that these runs can tell apart: in shares always, in size and tokens where those vary."""
    free = free_sources(losses.shares) if free is None else list(free)
    count, low = len(free), float(losses.values.min())
    found = [mean(low), linear(count, low), quadratic(count, low), exponential(count, low)]
    for place, source in enumerate(free):
        found.append(power(place, losses.sources[source], low))
        found.append(valley(place, losses.sources[source], low))
    if len(set(losses.sizes)) > 1:
        found += [sized_exponential(count, low), *(scaled(form) for form in found[2:])]
        found += [joint(place, losses.sources[source], low) for place, source in enumerate(free)]
    return found


def mean(low: float) -> Form:
    return Form("mean", lambda p, x: np.full(len(x.sizes), p[0]), ((0, _INF),), ((low, 2 * low),))


def linear(free: int, low: float) -> Form:
    return Form(
        "linear",
        lambda p, x: p[0] + x.shares @ p[1:],
        ((0, _INF),) + ((-_INF, _INF),) * free,
        ((low, 2 * low),) + ((-1, 1),) * free,
    )


def quadratic(free: int, low: float) -> Form:
    return Form(
        "quadratic",
        lambda p, x: p[0] + x.shares @ p[1 : 1 + free] + x.shares**2 @ p[1 + free :],
        ((0, _INF),) + ((-_INF, _INF),) * 2 * free,
        ((low, 2 * low),) + ((-2, 2),) * 2 * free,
    )


def exponential(free: int, low: float) -> Form:
    """c + exp(b + sum of t_j r_j): falls or rises with each share, towards a floor of its own."""
    return Form(
        "exponential",
        lambda p, x: p[0] + _exp(p[1] + x.shares @ p[2:]),
        ((0, low), (-_LARGEST, 5)) + ((-_LARGEST, _LARGEST),) * free,
        ((0.3 * low, low), (-4, 1)) + ((-12, 4),) * free,
    )


def sized_exponential(free: int, low: float) -> Form:
    """The exponential beside a power of the size: E + A / N^alpha + exp(b + sum of t_j r_j)."""
    return Form(
        "sized exponential",
        lambda p, x: p[0] + p[1] * x.sizes ** -p[2] + _exp(p[3] + x.shares @ p[4:]),
        ((0, low), (0, _INF), (0, 2), (-_LARGEST, 5)) + ((-_LARGEST, _LARGEST),) * free,
        ((0, low), (0.01, 1), (0.05, 0.8), (-4, 1)) + ((-12, 4),) * free,
    )


def scaled(form: Form) -> Form:
    """A form in the shares times a power of the size: every mix gains the same part from a larger model.

    BiMix takes shares and scale to act as such a product. The form's own floors are freed, since they stand
    for a model of 1e8 parameters.
    """
    bounds = tuple((low, _INF if place == 0 else high) for place, (low, high) in enumerate(form.bounds))
    return Form(
        f"scaled {form.name}",
        lambda p, x: form.loss(p[:-1], x) * x.sizes ** -p[-1],
        (*bounds, (0, 2)),
        (*form.spread, (0, 0.2)),
    )


def power(place: int, source: str, low: float) -> Form:
    """c + A / (r + epsilon)^alpha of one share."""
    return Form(
        f"power of {source}",
        lambda p, x: p[0] + p[1] * (x.shares[:, place] + p[2]) ** -p[3],
        ((0, low), (0, _INF), (0.005, 0.5), (0, 3)),
        ((0, low), (0.01, 1), (0.005, 0.1), (0.05, 1)),
    )


def valley(place: int, source: str, low: float) -> Form:
    """c + exp(a - s r) + exp(b - t (1 - r)) of one share: too little hurts, and too much."""
    return Form(
        f"valley of {source}",
        lambda p, x: (
            p[0] + _exp(p[1] - p[2] * x.shares[:, place]) + _exp(p[3] - p[4] * (1 - x.shares[:, place]))
        ),
        ((0, low), (-_LARGEST, 5), (0, _LARGEST), (-_LARGEST, 5), (0, _LARGEST)),
        ((0.3 * low, low), (-4, 1), (0.5, 12), (-4, 1), (0.5, 12)),
    )


def joint(place: int, source: str, low: float) -> Form:
    """E + A / N^alpha + B r^eta / D^beta + C / (r + epsilon)^gamma (D-CPT Law)."""

    def loss(p: Floats, x: Inputs) -> Any:
        r = x.shares[:, place]
        mixed = p[3] * np.maximum(r, _TINY) ** p[4] * np.maximum(x.tokens, _TINY) ** -p[5]
        return p[0] + p[1] * x.sizes ** -p[2] + mixed + p[6] * (r + EPSILON) ** -p[7]

    return Form(
        f"joint of {source}",
        loss,
        ((0, low), (0, _INF), (0, 2), (0, _INF), (0, 3), (0, 2), (0, _INF), (0, 3)),
        ((0, low), (0.01, 1), (0.05, 0.8), (0.01, 1), (0.1, 2), (0, 0.5), (0.001, 0.5), (0.05, 1)),
    )


def _exp(value: Floats) -> Floats:
    return np.exp(np.clip(value, -_LARGEST, _LARGEST))
