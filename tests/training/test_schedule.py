from __future__ import annotations

import math

import pytest

from corpus.engine.config import build
from corpus.engine.errors import UserError
from training.config import TrainConfig
from training.schedule import learning_rate


def config(**schedule: object) -> TrainConfig:
    keys = {
        "data": "d",
        "model": "m",
        "output": "o",
        "tokens": 1000,
        "optimiser": {"lr": 2.0},
        "schedule": schedule,
    }
    return build(TrainConfig, keys)


def test_wsd_warms_up_holds_and_decays_to_the_floor() -> None:
    curve = config(kind="wsd", warmup=100, decay=0.2, shape="linear", final=0.1)
    assert [learning_rate(curve, t) for t in (50, 100, 500, 800)] == [1.0, 2.0, 2.0, 2.0]
    assert learning_rate(curve, 900) == pytest.approx(2 * (0.1 + 0.9 * 0.5))
    assert learning_rate(curve, 1000) == learning_rate(curve, 5000) == pytest.approx(0.2)


def test_one_minus_sqrt_falls_fast_at_first() -> None:
    curve = config(kind="wsd", warmup=0, decay=400, shape="1-sqrt")
    assert learning_rate(curve, 700) == pytest.approx(2 * (1 - math.sqrt(0.25)))


def test_cosine_is_halfway_in_the_middle_of_what_follows_the_warm_up() -> None:
    curve = config(kind="cosine", warmup=0.2)
    assert learning_rate(curve, 600) == pytest.approx(1.0)
    assert learning_rate(curve, 1000) == pytest.approx(0.0)


def test_phases_longer_than_the_budget_are_refused() -> None:
    with pytest.raises(UserError, match="exceed the budget"):
        config(warmup=600, decay=600)
