from __future__ import annotations

import math

import pytest
import torch

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


@pytest.mark.parametrize("final", [0.0, 0.1])
@pytest.mark.parametrize("shape", ["linear", "1-sqrt", "cosine"])
def test_curves_are_those_of_transformers(shape: str, final: float) -> None:
    """Its curves are written from the same papers; one token is one of its steps."""
    from transformers.optimization import get_cosine_with_min_lr_schedule_with_warmup, get_wsd_schedule

    adam = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    if shape == "cosine":
        theirs = get_cosine_with_min_lr_schedule_with_warmup(adam, 100, 1000, min_lr_rate=final)
        ours = config(kind="cosine", warmup=100, final=final)
    else:
        theirs = get_wsd_schedule(
            adam, 100, 200, num_training_steps=1000, decay_type=shape, min_lr_ratio=final
        )
        ours = config(kind="wsd", warmup=100, decay=200, shape=shape, final=final)
    for tokens in range(100, 1001):
        wanted = 2.0 * theirs.lr_lambdas[0](tokens)
        assert learning_rate(ours, tokens) == pytest.approx(wanted, abs=1e-9)
    for tokens in range(100):
        assert learning_rate(ours, tokens) == pytest.approx(2.0 * tokens / 100)


def test_a_stage_warms_up_again_whatever_the_one_before_ended_with() -> None:
    one, two = config(kind="wsd", warmup=100, decay=200), config(kind="cosine", warmup=50)
    assert learning_rate(one, 1000) == 0.0
    assert [learning_rate(two, t) for t in (1, 25, 50)] == [pytest.approx(2 * t / 50) for t in (1, 25, 50)]


def test_the_rate_has_no_step_at_the_end_of_warm_up_and_at_the_start_of_decay() -> None:
    for keys in (
        {"kind": "wsd", "decay": 300},
        {"kind": "wsd", "decay": 300, "shape": "linear"},
        {"kind": "cosine"},
    ):
        curve = config(warmup=100, **keys)
        for edge in (100, 700):
            assert abs(learning_rate(curve, edge) - learning_rate(curve, edge - 1)) < 0.03
