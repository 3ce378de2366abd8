"""Moments in fewer bits: what is stored is near what was meant, and no rounding is lost on average."""

from __future__ import annotations

import pytest
import torch

from training.precision.moments import (
    BLOCK,
    decode,
    encode,
    is_blockwise,
    levels_of,
    make,
    round_stochastically,
    state_bytes,
)


@pytest.mark.parametrize("moment", ["exp_avg", "exp_avg_sq"])
@pytest.mark.parametrize("size", [64, BLOCK, 3 * BLOCK + 17])
def test_codes_keep_values_of_many_magnitudes(moment: str, size: int) -> None:
    torch.manual_seed(1)
    values = torch.randn(5, size) * 10 ** (3 * torch.rand(5, size) - 3)
    if moment == "exp_avg_sq":
        values = values.abs()
    code, scale = encode(values, levels_of(moment, "cpu"))
    assert code.shape == values.shape and scale.shape == (5, -(-size // BLOCK))
    found = decode(code, scale, levels_of(moment, "cpu"))
    large = values.abs() > 1e-2 * values.abs().max()
    assert ((found - values).abs() / values.abs())[large].max() < 0.15
    assert (found.abs() <= values.abs().amax(1, keepdim=True) * 1.0001).all()


def test_zeros_stay_zeros() -> None:
    for name, tensor in make(torch.zeros(3, 100), "w", "8bit").items():
        if name.startswith("exp_avg_code") or name.startswith("exp_avg_sq_code"):
            levels = levels_of(name.split("_code")[0], "cpu")
            assert not decode(tensor, torch.ones(3, 1), levels).any()


def test_there_are_256_levels_that_rise() -> None:
    for moment in ("exp_avg", "exp_avg_sq"):
        levels = levels_of(moment, "cpu")
        assert len(levels) == 256 and (levels.diff() > 0).all() and levels.max() == 1


def test_the_mean_of_stochastic_roundings_is_the_value() -> None:
    values = torch.tensor([1.001, -3.3333, 1e-20, 0.0]).repeat_interleave(20000)
    out = round_stochastically(values, torch.tensor(7), 0)
    means = out.double().view(4, -1).mean(1)
    torch.testing.assert_close(means, values.double().view(4, -1).mean(1), rtol=2e-4, atol=0)
    assert (out.float() - values).abs().le(values.abs() / 128).all()


def test_rounding_depends_on_seed_and_place_and_on_no_split() -> None:
    values = torch.linspace(1, 2, 1000)
    whole = round_stochastically(values, torch.tensor(3), 50)
    parts = [
        round_stochastically(values[:400], torch.tensor(3), 50),
        round_stochastically(values[400:], torch.tensor(3), 450),
    ]
    assert torch.equal(whole, torch.cat(parts))
    assert not torch.equal(whole, round_stochastically(values, torch.tensor(4), 50))


def test_what_is_not_finite_stays_so() -> None:
    values = torch.tensor([torch.inf, -torch.inf, torch.nan, 3.4e38])
    out = round_stochastically(values, torch.tensor(1), 0)
    assert out[0] == torch.inf and out[1] == -torch.inf and out[2].isnan()


@pytest.mark.parametrize("state", ["fp32", "bf16", "8bit"])
@pytest.mark.parametrize("shape", [(7,), (5, 300), (4, 3, 100), (6, 8)])
def test_the_counted_bytes_are_those_that_are_made(state: str, shape: tuple[int, ...]) -> None:
    parameter = torch.zeros(shape)
    tensors = make(parameter, "w", state).values()
    assert sum(t.numel() * t.element_size() for t in tensors) == state_bytes(parameter.shape, shape[0], state)
    assert any(t.dtype == torch.uint8 for t in tensors) == (state == "8bit" and is_blockwise(parameter.shape))
