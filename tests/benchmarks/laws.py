"""The law's choice of a form, without looking, on published losses: 32 mixes of three sources at 410M.

Draws of some mixes to fit, checked on all others; beside it the forms that one would have to choose beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.training.law.published import published
from training.law.choice import Check, Choice, check, choose
from training.law.fit import fit
from training.law.forms import exponential, linear
from training.law.losses import Losses, free_sources
from training.law.recommend import Law, best_share

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
DRAWS = {6: 16, 12: 6}  # draws by the number of mixes that are fitted
SWEEPS, NOISE = 30, 0.005  # simulated sweeps, and the deviation between seeds in them
FIXED = {"exponential": exponential, "linear": linear}


def measure(workspace: Path) -> Iterator[str]:
    if not SHARED.is_dir():
        yield "laws: skipped, ../shared/data is not there"
        return
    tables = published(SHARED)
    yield "laws: error, rank correlation and regret on mixes set aside, median (mean) over draws"
    for mixes, draws in DRAWS.items():
        found: dict[str, list[Check]] = {}
        for seed in range(draws):
            for name, one in _draw(tables, mixes, seed):
                found.setdefault(name, []).append(one)
        for name, checks in found.items():
            yield f"  {mixes:>2} mixes, {draws} draws, {name:<12} {_line(checks)}"
    yield from _coverage()


def _coverage() -> Iterator[str]:
    """How often the interval of the best share holds the true one, over sweeps with a known optimum of 0.36."""
    held, widths = [], []
    for seed in range(SWEEPS):
        rng = np.random.default_rng(seed)
        rows = [(share, (1 - share) / 2) for share in np.linspace(0, 0.9, 8) for _ in range(2)]
        shares = np.array([[one, rest, rest] for one, rest in rows])
        same = np.ones(len(rows))
        runs = {}
        for name, curve in (("agent", (0.8, 0.0, -5.0)), ("general", (0.9, -3.6, 5.0))):
            exact = curve[0] + np.exp(curve[1] + curve[2] * shares[:, 0])
            noisy = exact * np.exp(NOISE * rng.standard_normal(len(rows)))
            runs[name] = Losses(("agent", "code", "text"), shares, 1e7 * same, 2e8 * same, noisy)
        law = Law({name: choose(losses) for name, losses in runs.items()}, runs, "agent")
        found = best_share(law, {"agent": 1, "general": 1}, resamples=100, seed=seed)
        held.append(found.low <= 0.36 <= found.high)
        widths.append(found.high - found.low)
    yield (
        f"laws: the 90 % interval of the best share held the true one in {np.mean(held):.0%} of {SWEEPS} simulated "
        f"sweeps (8 shares, 2 seeds, noise {NOISE:.1%}); median width {np.median(widths):.2f}"
    )


def _draw(tables: dict[str, Losses], mixes: int, seed: int) -> Iterator[tuple[str, Check]]:
    order = np.random.default_rng(seed).permutation(32)
    seen = {name: losses.where(np.sort(order[:mixes])) for name, losses in tables.items()}
    aside = {name: losses.where(np.sort(order[mixes:])) for name, losses in tables.items()}
    weights = dict.fromkeys(tables, 1.0)
    yield "chosen", check({name: choose(losses) for name, losses in seen.items()}, aside, weights)
    for name, form in FIXED.items():
        choices = {}
        for benchmark, losses in seen.items():
            free = free_sources(losses.shares)
            choices[benchmark] = Choice(fit(form(len(free), float(losses.values.min())), losses, free), {})
        yield name, check(choices, aside, weights)


def _line(checks: list[Check]) -> str:
    parts = []
    for name, digits in (("error", 4), ("rank", 2), ("regret", 4)):
        values = np.array([getattr(one, name) for one in checks])
        parts.append(f"{name} {np.median(values):.{digits}f} ({values.mean():.{digits}f})")
    return "  ".join(parts)
