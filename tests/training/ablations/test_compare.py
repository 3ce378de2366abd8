"""A difference counts only where it is larger than what items and seeds do to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.ablations import compare
from training.ablations.compare import Measured, difference
from training.ablations.figure import draw


def measured(shift: float, *, seed: int, seeds: int = 3, noise: float = 0.01, items: int = 80) -> Measured:
    """Items of very different difficulty, the same for all; `shift` nats per byte; noise of seeds on top."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 200, items).astype(float)
    hard = rng.gamma(4.0, 0.25, items)
    own = np.random.default_rng(seed)
    by_seed = noise * own.standard_normal((seeds, 1)) + 0.02 * own.standard_normal((seeds, items))
    return Measured((hard + shift + by_seed) * sizes, sizes, tuple(range(seeds)))


def test_pairing_finds_a_difference_far_below_the_spread_of_items() -> None:
    found = difference(measured(0.05, seed=1, noise=0.002), measured(0.0, seed=2, noise=0.002), 0.95)
    assert found.value == pytest.approx(0.05, abs=0.01) and found.verdict == "worse"
    assert found.by_items < 0.01  # the spread of the items themselves is half a nat


def test_seeds_widen_the_interval_and_one_seed_gives_none() -> None:
    calm, wild = (
        difference(measured(0.03, seed=3, noise=n), measured(0, seed=4, noise=n), 0.95) for n in (1e-3, 0.1)
    )
    assert calm.verdict == "worse" and wild.verdict == "within noise"
    one = difference(measured(0.03, seed=3, seeds=1), measured(0, seed=4, seeds=1), 0.95)
    assert one.verdict == "one seed" and one.low is None


def test_runs_are_paired_by_their_seeds_and_not_by_their_place() -> None:
    sizes, by_number = np.full(3, 10.0), {1: 10.0, 2: 50.0, 3: 90.0}  # the seed does more than the cell

    def one(seeds: tuple[int, ...], shift: float) -> Measured:
        nats = np.array([[by_number[seed] + shift] * 3 for seed in seeds])
        return Measured(nats, sizes, seeds)

    found = difference(one((3, 2), 1.0), one((1, 2, 3), 0.0), 0.95)
    assert found.value == pytest.approx(0.1) and found.by_seeds == pytest.approx(0)
    rows = compare.rows({"whole": {"b": one((1,), 0.0)}, "raw": {"b": one((2, 3), 0.0)}}, "whole", 0.95)
    assert [row["difference"] for row in rows] == [None, None]  # no seed that both have run


def test_interval_of_no_difference_holds_zero_about_as_often_as_it_says() -> None:
    held = [difference(measured(0, seed=2 * n, items=20), measured(0, seed=2 * n + 1, items=20), 0.9)
            for n in range(60)]  # fmt: skip
    share = np.mean([one.verdict == "within noise" for one in held])
    assert 0.8 <= share <= 1.0


def test_table_names_what_is_better_and_what_the_noise_hides(tmp_path: Path) -> None:
    cells = {"whole": measured(0, seed=1, noise=0.001), "raw": measured(0.2, seed=2, noise=0.001),
             "same": measured(0, seed=3, noise=0.001)}  # fmt: skip
    rows = compare.rows({name: {"seeds": one} for name, one in cells.items()}, "whole", 0.95)
    facts = {"whole": {"documents": 300, "times": 2.5}}
    lines = compare.table(rows, facts, "whole", 0.95).splitlines()
    assert lines[0].startswith("| cell | documents | times read | seeds: loss | against whole |")
    assert lines[2].startswith("| whole | 300 | 2.5 |") and lines[2].endswith("|  |  |")
    assert "| worse |" in lines[3] and "| within noise |" in lines[4]
    draw(rows, "whole", tmp_path / "a.svg")
    assert ">raw<" in (tmp_path / "a.svg").read_text()


def test_cell_without_the_reference_has_a_loss_and_no_difference() -> None:
    rows = compare.rows({"raw": {"seeds": measured(0, seed=1)}}, "whole", 0.95)
    assert rows[0]["difference"] is None and rows[0]["loss"] > 0
