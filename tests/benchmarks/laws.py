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

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
DRAWS = {6: 16, 12: 6}  # draws by the number of mixes that are fitted
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
