"""How far two givers of labels agree: Cohen's kappa with its interval, the table behind it, and examples.

The standard error is that of Fleiss, Cohen and Everitt (Psychological Bulletin 72, 1969). Kappa describes the
pages that both have looked at: a sample of uncertain ones gives a lower one than a sample of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_QUANTILE = 1.959964  # of the normal distribution, for 95 %


@dataclass(frozen=True)
class Agreement:
    """`table[one, other]` counts pages. `kappa` is None where both always say the same.

    `low` and `high` bound kappa with 95 % confidence.
    """

    one: str
    other: str
    pages: int
    observed: float
    kappa: float | None
    low: float | None
    high: float | None
    table: dict[str, dict[str, int]]

    def facts(self) -> dict[str, Any]:
        return {
            name: round(value, 4) if isinstance(value, float) else value for name, value in vars(self).items()
        }


def agreement(one: str, other: str, counts: Mapping[tuple[str, str], int]) -> Agreement:
    """`counts`: pages by the words of both. There must be at least one page."""
    pages = sum(counts.values())
    words = sorted({word for pair in counts for word in pair})
    share = {(a, b): counts.get((a, b), 0) / pages for a in words for b in words}
    rows = {a: sum(share[a, b] for b in words) for a in words}
    columns = {b: sum(share[a, b] for a in words) for b in words}
    observed = sum(share[a, a] for a in words)
    chance = sum(rows[a] * columns[a] for a in words)
    table = {a: {b: counts.get((a, b), 0) for b in words} for a in words}
    if 1 - chance < 1e-12:
        return Agreement(one, other, pages, observed, None, None, None, table)
    kappa = (observed - chance) / (1 - chance)
    alike = sum(share[a, a] * (1 - (rows[a] + columns[a]) * (1 - kappa)) ** 2 for a in words)
    apart = sum(share[a, b] * (columns[a] + rows[b]) ** 2 for a in words for b in words if a != b)
    rest = (kappa - chance * (1 - kappa)) ** 2
    variance = (alike + (1 - kappa) ** 2 * apart - rest) / (pages * (1 - chance) ** 2)
    margin = _QUANTILE * math.sqrt(max(variance, 0.0))
    low, high = max(-1.0, kappa - margin), min(1.0, kappa + margin)
    return Agreement(one, other, pages, observed, kappa, low, high, table)


def told(facts: Mapping[str, Any]) -> str:
    """One line for people about the facts of an agreement."""
    alike = f"{facts['one']} and {facts['other']}: {facts['pages']:,} pages, {facts['observed']:.1%} alike"
    if facts["kappa"] is None:
        return f"{alike}, kappa is not defined"
    return f"{alike}, kappa {facts['kappa']:.3f} (95 %: {facts['low']:.3f} to {facts['high']:.3f})"
