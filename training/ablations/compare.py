"""Cells against the reference: differences of benchmark loss with their noise.

Two things make a difference uncertain: which items the benchmark happens to hold, and the seed of the
training. The first is found by drawing items again, the same ones for both cells (items that are hard are
hard for both); the second from the differences of runs that share a seed. The standard errors add up in
squares, and the interval is Student's, with the degrees of freedom of Welch and Satterthwaite, so that few
seeds give a wide one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

Floats = npt.NDArray[np.float64]
DRAWS = 2000


@dataclass(frozen=True)
class Measured:
    """Losses of one cell on one benchmark: nats [seeds, items], bytes [items], and the seeds in order."""

    nats: Floats
    sizes: Floats
    seeds: tuple[int, ...]

    def by_seed(self) -> Floats:
        return np.asarray(self.nats.sum(1) / self.sizes.sum())

    @property
    def loss(self) -> float:
        return float(self.by_seed().mean())

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds; None of one seed."""
        return float(self.by_seed().std(ddof=1)) if len(self.nats) > 1 else None


@dataclass(frozen=True)
class Difference:
    """Loss of a cell minus that of the reference, in nats per byte; below 0 the cell is better.

    `by_items` and `by_seeds` are standard errors; the interval is None where there is one seed alone, since
    nothing is known then of what another would have done.
    """

    value: float
    by_items: float
    by_seeds: float | None
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        if self.low is None or self.high is None:
            return "one seed"
        return "worse" if self.low > 0 else "better" if self.high < 0 else "within noise"


def difference(cell: Measured, reference: Measured, confidence: float, seed: int = 0) -> Difference:
    """Paired by item and by seed: over the seeds that both have run, of which there must be one."""
    common = _common(cell, reference)
    own, other = ([one.seeds.index(number) for number in common] for one in (cell, reference))
    seeds, gaps = len(common), cell.nats[own] - reference.nats[other]
    sizes = reference.sizes
    by_seed = gaps.sum(1) / sizes.sum()
    value, by_items = float(by_seed.mean()), _by_items(gaps.mean(0), sizes, seed)
    if seeds < 2:
        return Difference(value, by_items, None, None, None)
    by_seeds = float(by_seed.std(ddof=1) / np.sqrt(seeds))
    variance = by_items**2 + by_seeds**2
    parts = by_items**4 / max(len(sizes) - 1, 1) + by_seeds**4 / (seeds - 1)
    degrees = variance**2 / parts if parts else np.inf
    reach = float(student.ppf((1 + confidence) / 2, degrees) * np.sqrt(variance))
    return Difference(value, by_items, by_seeds, value - reach, value + reach)


def _common(cell: Measured, reference: Measured) -> list[int]:
    return sorted({*cell.seeds} & {*reference.seeds})


def _by_items(gaps: Floats, sizes: Floats, seed: int) -> float:
    """Standard deviation of the difference over items drawn with replacement."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(gaps), size=(DRAWS, len(gaps)))
    return float((gaps[drawn].sum(1) / sizes[drawn].sum(1)).std())


def rows(
    measured: Mapping[str, Mapping[str, Measured]], reference: str, confidence: float
) -> list[dict[str, Any]]:
    """{cell, benchmark, loss, spread, seeds, difference...} of each cell and benchmark.

    `measured` is by cell and benchmark. Without a run of the reference that shares a seed there is no
    difference.
    """
    found = []
    for cell, benchmarks in measured.items():
        for name, one in benchmarks.items():
            row: dict[str, Any] = {"cell": cell, "benchmark": name, "loss": one.loss, "spread": one.spread}
            row |= {"seeds": len(one.nats), "items": len(one.sizes), "difference": None}
            against = measured.get(reference, {}).get(name)
            if cell != reference and against is not None and _common(one, against):
                gap = difference(one, against, confidence)
                row["difference"] = {"value": gap.value, "by_items": gap.by_items, "by_seeds": gap.by_seeds}
                row["difference"] |= {"low": gap.low, "high": gap.high, "verdict": gap.verdict}
            found.append(row)
    return found


def table(
    found: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Mapping[str, Any]],
    reference: str,
    confidence: float,
) -> str:
    """Markdown: a row per cell, a pair of columns per benchmark."""
    names = list(dict.fromkeys(row["benchmark"] for row in found))
    head = ["cell", "documents", "times read"]
    head += [word for name in names for word in (f"{name}: loss", f"against {reference}", "")]
    lines = [head, ["---"] * len(head)]
    by = {(row["cell"], row["benchmark"]): row for row in found}
    for cell in dict.fromkeys(row["cell"] for row in found):
        fact = facts.get(cell, {})
        line = [cell, _number(fact.get("documents"), ",d"), _number(fact.get("times"), ".1f")]
        for name in names:
            line += _cells(by.get((cell, name)))
        lines.append(line)
    note = (
        f"Loss in nats per byte ± standard deviation over seeds; differences with {confidence:.0%} intervals."
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}\n"


def _cells(row: Mapping[str, Any] | None) -> list[str]:
    if row is None:
        return ["not run", "", ""]
    loss = f"{row['loss']:.4f}" + (f" ± {row['spread']:.4f}" if row["spread"] is not None else "")
    gap = row["difference"]
    if gap is None:
        return [loss, "", ""]
    interval = "" if gap["low"] is None else f" [{gap['low']:+.4f}, {gap['high']:+.4f}]"
    return [loss, f"{gap['value']:+.4f}{interval}", gap["verdict"]]


def _number(value: Any, form: str) -> str:
    return "" if value is None else format(value, form)
