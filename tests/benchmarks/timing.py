"""One way to time and to print, for all benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def seconds(work: Callable[[], object], *, runs: int = 3) -> float:
    """Median wall-clock seconds of `runs` runs after one that is not counted."""
    work()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return median(taken)


def line(name: str, amount: float, unit: str, taken: float, against: float | None = None) -> str:
    """`name: rate unit/s`, with the ratio to the seconds of the alternative where there is one."""
    ratio = f"   {against / taken:6.2f} x" if against else ""
    return f"  {name:<58} {amount / taken:>12,.0f} {unit}/s{ratio}"
