"""What filtering the whole input would cost, carried over from a sample of it.

Cost, pages and output follow the bytes of the archives, so a larger archive counts for more. The intervals
are bootstrapped over the sampled archives and, in each, over runs of records; what the sample has not met (a
rare page that takes seconds, an archive of another kind) they cannot know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from corpus.crawl.inputs.sources import Archive
from corpus.crawl.steps import Meter
from corpus.crawl.trial.planning import READ, REST, Run

_RESAMPLES, _SEED = 1_000, 20_240_501
_FEW = 3  # archives, fewer than which say little of the others


@dataclass(frozen=True)
class Estimate:
    """A number for the whole input with its 95% interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Estimate:
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Plan:
    """`bytes` is the size of the whole input; the rest is foretold for all of it."""

    archives: int
    bytes: int
    runs: Sequence[Run]
    seconds: Estimate
    pages: Estimate
    kept: Estimate
    output: Estimate
    thresholds: Mapping[str, float | None] = field(default_factory=dict)


def foretell(
    runs: Sequence[Run], archives: Sequence[Archive], thresholds: Mapping[str, float | None] | None = None
) -> Plan:
    """Carry the sample over to all archives; those of unknown size count with the mean of the others."""
    sizes = [archive.file.bytes for archive in archives if archive.file.bytes >= 0]
    mean = sum(sizes) / len(sizes) if sizes else max(1.0, _bytes(runs) / len({r.archive for r in runs}))
    total = int(sum(sizes) + mean * (len(archives) - len(sizes)))

    def whole(amount: Callable[[Run], float]) -> Estimate:
        return carried_over(runs, amount, max(total, _bytes(runs)))

    return Plan(
        archives=len(archives),
        bytes=total,
        runs=runs,
        seconds=whole(lambda run: run.seconds),
        pages=whole(lambda run: run.pages),
        kept=whole(lambda run: run.kept),
        output=whole(lambda run: run.output),
        thresholds=thresholds or {},
    )


def carried_over(runs: Sequence[Run], amount: Callable[[Run], float], total: int) -> Estimate:
    """The ratio of an amount to bytes of archive, times all bytes; the interval is a two-stage bootstrap."""
    amounts = np.array([amount(run) for run in runs], dtype=float)
    sizes = np.array([run.bytes for run in runs], dtype=float)
    value = float(amounts.sum() / max(sizes.sum(), 1.0) * total)
    if sizes.sum() >= total:  # nothing is left to foretell
        return Estimate(value, value, value)
    groups = [np.array(places) for places in _by_archive(runs)]
    rng = np.random.default_rng(_SEED)
    times = rng.multinomial(len(groups), [1 / len(groups)] * len(groups), size=_RESAMPLES)
    cost, weight = np.zeros(_RESAMPLES), np.zeros(_RESAMPLES)
    # an archive drawn c times gives c times as many runs, drawn anew
    for number, places in enumerate(groups):
        drawn = rng.multinomial(times[:, number] * len(places), [1 / len(places)] * len(places))
        cost += drawn @ amounts[places]
        weight += drawn @ sizes[places]
    shares = cost / np.maximum(weight, 1.0) * total
    low, high = np.quantile(shares, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def steps_of(runs: Sequence[Run]) -> dict[str, Meter]:
    """The meters of all runs together, in the order of the cascade."""
    total: dict[str, Meter] = {READ: Meter()}
    for run in sorted(runs, key=lambda run: -len(run.meters)):
        for name, meter in run.meters.items():
            total.setdefault(name, Meter()).include(meter)
    total[REST] = total.pop(REST, Meter())
    return total


def describe(plan: Plan, *, cores: int, price: float) -> str:
    """The plan as text. `price` is what a core costs for an hour, in whatever money."""
    runs, seen = plan.runs, {run.archive for run in plan.runs}
    pages, size = sum(run.pages for run in runs), _bytes(runs)
    hours = plan.seconds.times(1 / 3600)
    rate = pages / max(sum(run.seconds for run in runs), 1e-9)
    failed = sum(run.failed for run in runs)
    lines = [
        f"sampled  {len(seen):,} of {plan.archives:,} archives: {pages:,} response records in {_size(size)} "
        f"of {_size(plan.bytes)}",
        "",
        f"{'step':<20}{'threshold':>10}{'ms per page':>13}{'pages/s':>11}{'pages in':>10}{'let through':>13}",
        *_step_lines(plan),
        "",
        f"cost     {rate:,.0f} pages a second and core, start-up aside; {failed:,} of the {pages:,} failed",
        f"pages    {_count(plan.pages)}, of which kept {_count(plan.kept)}",
        f"work     {_hours(hours)} core-hours",
        f"time     {_hours(hours.times(1 / cores))} hours on {cores:,} cores, with many archives to a core",
        f"read     {_size(plan.bytes)}",
        f"write    {_range(plan.output, _size)}",
        f"money    {_range(hours.times(price), '{:,.2f}'.format)} at {price:g} a core-hour (an assumption: "
        "core_hour_price=)",
        "In brackets: 95% intervals from the sample. "
        + ("They are narrow for want of archives: sample more. " if len(seen) < _FEW < plan.archives else "")
        + "Costs are CPU time on this machine; nothing was written.",
    ]
    return "\n".join(lines)


def _by_archive(runs: Sequence[Run]) -> list[list[int]]:
    places: dict[str, list[int]] = {}
    for number, run in enumerate(runs):
        places.setdefault(run.archive, []).append(number)
    return list(places.values())


def _bytes(runs: Sequence[Run]) -> int:
    return sum(run.bytes for run in runs)


def _step_lines(plan: Plan) -> list[str]:
    lines = []
    for name, meter in steps_of(plan.runs).items():
        threshold = plan.thresholds.get(name)
        cost = meter.seconds / meter.pages_in if meter.pages_in else 0.0
        share = f"{meter.pages_out / meter.pages_in:.2%}" if meter.pages_in else ""
        lines.append(
            f"{name:<20}{'' if threshold is None else f'{threshold:.4f}':>10}{1000 * cost:>13.3f}"
            f"{1 / cost if cost else 0:>11,.0f}{meter.pages_in:>10,}{share:>13}"
        )
    return lines


def _range(estimate: Estimate, text: Callable[[float], str]) -> str:
    if estimate.low == estimate.high:
        return text(estimate.value)
    return f"{text(estimate.value)} ({text(estimate.low)} to {text(estimate.high)})"


def _count(estimate: Estimate) -> str:
    return _range(estimate, "{:,.0f}".format)


def _hours(estimate: Estimate) -> str:
    return _range(estimate, "{:,.3g}".format if estimate.value < 1_000 else "{:,.0f}".format)


def _size(size: float) -> str:
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= least:
            return f"{size / least:,.2f} {unit}"
    return f"{size / 1e3:,.1f} kB"
