from __future__ import annotations

import json
import random

import pytest

from training.config import SpikeConfig
from training.safety.spikes import LAG, SpikeGuard


def losses(count: int, seed: int = 1) -> list[tuple[int, float, float]]:
    """A loss that falls with noise, and a norm around 1."""
    draw = random.Random(seed)
    return [(s, 3 + 5 / s + draw.gauss(0, 0.02), 1 + draw.gauss(0, 0.1)) for s in range(1, count + 1)]


def guard(**keys: object) -> SpikeGuard:
    return SpikeGuard(SpikeConfig(**keys))  # type: ignore[arg-type]


def test_a_loss_or_a_norm_far_above_the_last_ones_is_a_spike_and_noise_is_none() -> None:
    made = guard()
    for step, loss, norm in losses(200):
        assert not made.is_spike(step, loss, norm)
        made.add(step, loss, norm)
    assert made.is_spike(201, 4.5, 1.0) and made.is_spike(201, 3.0, 2.5)
    assert not made.is_spike(201, 1.0, 0.1)


@pytest.mark.parametrize("window", [16, 128])
def test_the_first_steps_have_no_limits(window: int) -> None:
    made = guard(window=window)
    for step, loss, norm in losses(32):
        assert made.limits(step) is None
        made.add(step, loss, norm)
    assert made.limits(33) is not None


def test_limits_stay_for_a_lag_and_do_not_know_the_steps_within_it() -> None:
    made, blind = guard(), guard()
    for step, loss, norm in losses(96):
        made.add(step, loss, norm)
        if step <= 80:
            blind.add(step, loss, norm)
    for step in range(81, 81 + LAG):
        assert blind.limits(step) == blind.limits(81)
    assert made.limits(97) != blind.limits(96)


@pytest.mark.parametrize("cut", [40, 64, 150, 151, 159])
def test_limits_are_the_same_after_a_resume_at_any_step(cut: int) -> None:
    whole, first = guard(window=64), guard(window=64)
    steps = losses(200)
    for step in steps[:cut]:
        whole.add(*step)
        first.add(*step)
    resumed = SpikeGuard(SpikeConfig(window=64), json.loads(json.dumps(first.state())))
    for step in steps[cut:]:
        assert resumed.limits(step[0]) == whole.limits(step[0])
        whole.add(*step)
        resumed.add(*step)


def test_a_level_that_has_risen_for_good_is_no_spike_for_ever() -> None:
    made = guard()
    steps = losses(300)
    judged = []
    for step, loss, norm in steps:
        risen = loss + 2 if step > 150 else loss
        judged.append(made.is_spike(step, risen, norm))
        made.add(step, risen, norm)
    assert judged[150] and not any(judged[250:])


def test_a_run_without_noise_has_room_above_its_loss() -> None:
    made = guard()
    for step in range(1, 65):
        made.add(step, 2.0, 1.0)
    assert not made.is_spike(65, 2.05, 1.04) and made.is_spike(65, 2.2, 1.0)


def test_off_judges_nothing() -> None:
    made = guard(action="off")
    for step in losses(100):
        made.add(*step)
    assert not made.is_spike(101, 1e9, 1e9)
