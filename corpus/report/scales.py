"""Axes: round tick values, and mapping of values to places in a drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from at or above `low` to at or below `high`."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


@dataclass(frozen=True)
class Scale:
    """A line from values to coordinates; coordinates may fall while values rise."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        return round(self.start + (value - self.low) / (span or 1.0) * (self.end - self.start), 2)


def around(values: Sequence[float], *, zero: bool = False, margin: float = 0.04) -> tuple[float, float]:
    """Bounds that hold all values with a small margin; `zero` makes the axis begin at 0."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if zero:
        return 0.0, high * (1 + margin) or 1.0
    gap = (high - low) * margin or abs(high) * margin or 1.0
    return low - gap, high + gap
