"""The fitter recovers what is known, chooses without looking, and says how sure it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpus.engine.errors import UserError
from tests.training.law.published import published
from training.law.choice import Choice, check, choose, weighted
from training.law.fit import Fit, fit
from training.law.forms import (
    Form,
    exponential,
    forms_for,
    inputs_of,
    joint,
    power,
    scaled,
    sized_exponential,
    valley,
)
from training.law.losses import Losses, free_sources, from_rows
from training.law.recommend import Law, best_share, candidates, largest_share

SOURCES = ("agent", "code", "text")
SHARES = (0.0, 0.1, 0.2, 0.33, 0.4, 0.5, 0.7, 0.9)


def line(shares: tuple[float, ...] = SHARES, sizes: tuple[float, ...] = (2e7,), seeds: int = 1) -> Losses:
    """A sweep of the agent share, code and text 1:1, without losses."""
    rows = [(r, size) for size in sizes for r in shares for _ in range(seeds)]
    mixes = np.array([[r, (1 - r) / 2, (1 - r) / 2] for r, _ in rows])
    size = np.array([size for _, size in rows])
    return Losses(SOURCES, mixes, size, 20 * size, np.ones(len(rows)))


def free_design(count: int, seed: int = 0) -> Losses:
    mixes = np.random.default_rng(seed).dirichlet((1, 1, 1), count)
    return Losses(SOURCES, mixes, np.full(count, 2e7), np.full(count, 4e8), np.ones(count))


def measured(losses: Losses, form: Form, parameters: list[float], noise: float = 0.0) -> Losses:
    x = inputs_of(losses, free_sources(losses.shares))
    exact = form.loss(np.array(parameters), x)
    scatter = np.exp(noise * np.random.default_rng(1).standard_normal(len(losses)))
    return Losses(losses.sources, losses.shares, losses.sizes, losses.tokens, exact * scatter)


@pytest.mark.parametrize(
    ("form", "parameters", "design"),
    [
        (exponential(2, 9.0), [1.2, -0.5, -4.0, 1.0], free_design(12)),
        (power(0, "agent", 9.0), [1.1, 0.3, 0.02, 0.5], line(tuple(np.linspace(0, 1, 12)))),
        (valley(0, "agent", 9.0), [0.8, -1.0, 6.0, -2.0, 5.0], line(tuple(np.linspace(0, 1, 14)))),
        (sized_exponential(1, 9.0), [0.7, 0.5, 0.4, -1.0, -3.0], line(sizes=(1e7, 3e7, 1e8))),
        (scaled(exponential(1, 9.0)), [0.7, -1.0, -3.0, 0.1], line(sizes=(1e7, 3e7, 1e8))),
    ],
    ids=lambda value: value.name if isinstance(value, Form) else "",
)
def test_fit_recovers_the_coefficients_of_an_exact_table(
    form: Form, parameters: list[float], design: Losses
) -> None:
    losses = measured(design, form, parameters)
    found = fit(form, losses, free_sources(losses.shares))
    assert found.parameters == pytest.approx(parameters, rel=0.02)


def test_joint_form_recovers_the_losses_of_a_table_over_sizes_and_tokens() -> None:
    form = joint(0, "agent", 9.0)  # its coefficients trade off against each other; its losses do not
    losses = measured(line(sizes=(1e7, 3e7, 1e8)), form, [0.9, 0.4, 0.3, 0.2, 0.8, 0.2, 0.05, 0.4])
    found = fit(form, losses, [0])
    assert found.predict(losses) == pytest.approx(losses.values, rel=1e-3)


def test_sweep_of_one_share_has_one_free_source_and_a_free_design_two() -> None:
    assert free_sources(line().shares) == [0]
    assert free_sources(free_design(8).shares) == [0, 1]


def test_choice_by_leaving_out_finds_the_form_that_made_the_table() -> None:
    made = exponential(2, 9.0)
    chosen = choose(measured(free_design(16), made, [1.2, -0.5, -6.0, 1.0], noise=0.002), starts=16)
    assert chosen.fit.form.name == "exponential"
    assert chosen.error < 0.01 < chosen.errors["linear"]


def test_forms_that_would_pass_through_every_point_are_not_tried() -> None:
    few = choose(measured(line((0.0, 0.2, 0.4, 0.6)), power(0, "agent", 9.0), [1.0, 0.2, 0.05, 0.5]))
    assert set(few.errors) == {"mean", "linear"}  # of one and two parameters, on four mixes


def test_size_laws_are_tried_only_where_sizes_vary() -> None:
    names = {form.name for form in forms_for(line())}
    assert {form.name for form in forms_for(line(sizes=(1e7, 1e8)))} - names == {
        *("sized exponential", "joint of agent", "scaled exponential", "scaled quadratic"),
        *("scaled power of agent", "scaled valley of agent"),
    }


def test_noise_is_the_spread_over_seeds_alone() -> None:
    losses = measured(line(seeds=40), power(0, "agent", 9.0), [1.0, 0.2, 0.05, 0.5], noise=0.01)
    assert losses.noise() == pytest.approx(0.01, rel=0.1)
    assert np.isnan(line().noise())


def law_of(noise: float) -> tuple[Law, dict[str, Losses]]:
    """Agent loss falls with the agent share, general loss rises: the sum has its least at 0.36."""
    design = line(tuple(np.round(np.linspace(0, 0.9, 10), 2)), seeds=2)
    rising = exponential(1, 9.0)
    runs = {
        "agent": measured(design, rising, [0.8, 0.0, -5.0], noise),
        "general": measured(design, rising, [0.9, -3.6, 5.0], noise),
    }
    return Law({name: choose(losses, starts=12) for name, losses in runs.items()}, runs, "agent"), runs


def test_optimum_of_a_known_valley_is_found_and_lies_in_its_interval() -> None:
    law, _ = law_of(noise=0.003)
    found = best_share(law, {"agent": 1, "general": 1}, resamples=40)
    assert found.share == pytest.approx(0.36, abs=0.03)
    assert found.low <= found.share <= found.high and found.high - found.low < 0.2
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.shares["code"] == pytest.approx(found.shares["text"])


def test_interval_widens_with_the_noise() -> None:
    widths = []
    for noise in (0.001, 0.05):
        found = best_share(law_of(noise)[0], {"agent": 1, "general": 1}, resamples=40)
        widths.append(found.high - found.low)
    assert widths[1] > 3 * widths[0]


def test_largest_share_keeps_the_general_loss_within_what_is_allowed() -> None:
    law, runs = law_of(noise=0.0)
    most = 1.02 * float(runs["general"].values[0])
    found = largest_share(law, {"general": most}, resamples=10)
    grid = candidates(runs["general"], "agent")
    general = law.predict(grid)["general"]
    at = int(np.argmin(np.abs(grid.shares[:, 0] - found.share)))
    assert general[at] <= most < general[at + 1]


def test_a_share_that_was_never_swept_is_refused() -> None:
    with pytest.raises(UserError, match="at least three shares of it"):
        candidates(line((0.3, 0.3, 0.3)), "agent")


@pytest.mark.parametrize(
    ("loss", "shares"),
    [(0.0, {"agent": 1.0}), (float("nan"), {"agent": 1.0}), (1.0, {"agent": 0.4, "code": 0.4})],
)
def test_row_that_no_law_can_hold_is_named(loss: float, shares: dict[str, float]) -> None:
    with pytest.raises(UserError, match="run r7"):
        from_rows([{"run": "r7", "shares": shares, "size": 1, "tokens": 1, "loss": loss}], SOURCES)


@pytest.mark.slow  # three draws of six mixes, three tables each
def test_form_chosen_without_looking_predicts_published_mixes_as_well_as_the_best_known(
    shared_data: Path,
) -> None:
    tables = published(shared_data)
    weights = dict.fromkeys(tables, 1.0)
    checks = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(32)
        choices = {name: choose(t.where(np.sort(order[:6])), starts=24) for name, t in tables.items()}
        aside = {name: t.where(np.sort(order[6:])) for name, t in tables.items()}
        checks.append(check(choices, aside, weights))
    assert np.mean([c.error for c in checks]) < 0.035
    assert np.mean([c.rank for c in checks]) > 0.6
    assert np.mean([c.regret for c in checks]) < 0.03
    assert all(c.mixes == 26 for c in checks)


def test_rank_and_regret_are_those_at_the_largest_size_and_not_over_sizes() -> None:
    form = scaled(exponential(1, 9.0))
    losses = measured(line(sizes=(1e7, 3e7), seeds=2), form, [0.7, -1.0, -3.0, 0.1])
    right, wrong = (
        Fit(form, (0,), np.array(found), 0.0, ()) for found in ([0.7, -1.0, -3.0, 0.1], [0.7, -3.0, 2.0, 0.1])
    )
    found = check({"a": Choice(right, {})}, {"a": losses}, {"a": 1})
    assert found.rank == pytest.approx(1) and found.regret == pytest.approx(0) and found.mixes == 16
    # It still knows that the larger model is better, which a rank over all runs would reward.
    other = check({"a": Choice(wrong, {})}, {"a": losses}, {"a": 1})
    assert other.rank == pytest.approx(-1)
    assert other.regret == pytest.approx(np.ptp(losses.values[losses.sizes == 3e7]))


def test_weights_of_the_target_are_relative() -> None:
    one, two = np.array([1.0, 2.0]), np.array([3.0, 1.0])
    assert weighted({"a": one, "b": two}, {"a": 2, "b": 2}) == pytest.approx([2.0, 1.5])
