"""Steps whose loss or gradient norm lies far above those of the steps before.

The limits of a step follow from the steps up to the last multiple of `LAG` before it. So they are known
without waiting for the device, and are the same whatever log.every is and wherever a run was resumed. All
ranks judge the same global numbers. Skipped steps stay in the statistics: if losses have risen for good, the
limits rise with them.
The rule is that of OLMo's SkipStepOptimizer (Walsh et al. 2025), on both numbers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from training.config import SpikeConfig

LAG = 16  # steps: the limits are made anew every so many steps
_FIRST = 32  # steps of a run that have no limits: they are too unlike each other
_LOSS_MARGIN = 0.05  # limits are at least this share above the mean, for runs without noise


class Limits(NamedTuple):
    loss: float
    grad_norm: float


@dataclass(frozen=True)
class _Seen:
    step: int
    loss: float
    grad_norm: float


class SpikeGuard:
    """Knows the latest steps; `limits` is what a step must not pass."""

    def __init__(self, config: SpikeConfig, seen: Iterable[Sequence[float]] = ()) -> None:
        self.config = config
        self._seen = deque((_Seen(int(s), loss, norm) for s, loss, norm in seen), config.window + LAG)
        self._made: tuple[int, Limits | None] = (-1, None)

    def add(self, step: int, loss: float, grad_norm: float) -> None:
        self._seen.append(_Seen(step, loss, grad_norm))

    def limits(self, step: int) -> Limits | None:
        """The limits of a step; None while too few are known.

        The steps up to the last multiple of LAG before it must have been added.
        """
        edge = (step - 1) // LAG * LAG
        if self.config.action == "off":
            return None
        if self._made[0] != edge:
            self._made = (edge, self._make(edge))
        return self._made[1]

    def is_spike(self, step: int, loss: float, grad_norm: float) -> bool:
        limits = self.limits(step)
        return limits is not None and (loss > limits.loss or grad_norm > limits.grad_norm)

    def state(self) -> list[list[float]]:
        return [[seen.step, seen.loss, seen.grad_norm] for seen in self._seen]

    def _make(self, edge: int) -> Limits | None:
        if edge < _FIRST:
            return None
        known = [seen for seen in self._seen if seen.step <= edge][-self.config.window :]
        # norms are low while the rate warms up, and then double in steps that are as they should be
        losses, norms = [s.loss for s in known], [s.grad_norm for s in known]
        return Limits(self._limit(losses, _LOSS_MARGIN), self._limit(norms, self.config.norm_margin))

    def _limit(self, values: Sequence[float], margin: float) -> float:
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
        return mean + max(self.config.sigma * deviation, margin * mean)
