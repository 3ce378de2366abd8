"""AdamW against torch's own, in every number format of its state."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from corpus.engine.config import build
from training.config import OptimiserConfig
from training.optimiser import Optimiser, decayed

NO = torch.zeros(())


def network(seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Embedding(11, 72), nn.Linear(72, 80), nn.LayerNorm(80), nn.Linear(80, 3))


def config(**keys: Any) -> OptimiserConfig:
    return build(OptimiserConfig, {"lr": 0.01, "weight_decay": 0.1, "clip": 0.5, **keys})


def backward(model: nn.Module, number: int) -> None:
    inputs = torch.arange(number, number + 6) % 11
    torch.autograd.backward(model(inputs).square().sum())


def train(model: nn.Module, optimiser: Optimiser, steps: int = 20) -> None:
    for number in range(steps):
        optimiser.zero()
        backward(model, number)
        optimiser.step(0.01, optimiser.norm(), NO)


def by_torch(steps: int = 20, clip: float = 0.5) -> nn.Module:
    model = network()
    with_decay = decayed(model)
    others = [p for p in model.parameters() if all(p is not q for q in with_decay)]
    groups = [{"params": with_decay, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.95), eps=1e-8)
    for number in range(steps):
        adamw.zero_grad()
        backward(model, number)
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        adamw.step()
    return model


def distance(one: nn.Module, other: nn.Module) -> float:
    """Largest difference of any weight, as a share of how far training has moved the weights."""
    start, moved, apart = network(), 0.0, 0.0
    for a, b, c in zip(one.parameters(), other.parameters(), start.parameters(), strict=True):
        apart = max(apart, (a - b).abs().max().item())
        moved = max(moved, (b - c).abs().max().item())
    return apart / moved


@pytest.mark.parametrize(("state", "bound"), [("fp32", 1e-5), ("bf16", 0.05), ("8bit", 0.15)])
@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_weights_go_where_torch_takes_them(state: str, bound: float, compiled: bool) -> None:
    model = network()
    train(model, Optimiser(model, config(state=state), compile=compiled))
    assert distance(model, by_torch()) < bound


def test_matrices_decay_and_norms_biases_and_embeddings_do_not() -> None:
    model = network()
    assert [tuple(p.shape) for p in decayed(model)] == [(80, 72), (3, 80)]


@pytest.mark.parametrize("state", ["fp32", "bf16", "8bit"])
@pytest.mark.parametrize("fault", [float("nan"), float("inf")])
def test_a_step_that_is_to_be_skipped_changes_nothing(state: str, fault: float) -> None:
    model, again = network(), network()
    optimiser, other = Optimiser(model, config(state=state)), Optimiser(again, config(state=state))
    train(model, optimiser, 3)
    train(again, other, 3)
    before = {name: tensor.clone() for name, tensor in optimiser.tensors().items()}
    optimiser.zero()
    backward(model, 3)
    next(model.parameters()).grad[0, 0] = fault
    norm = optimiser.norm()
    assert not norm.isfinite()
    optimiser.step(0.01, norm, torch.ones(()))
    optimiser.zero()
    assert all(torch.equal(before[name], tensor) for name, tensor in optimiser.tensors().items())
    for run, its in ((model, optimiser), (again, other)):  # nor is the step counted
        its.zero()
        backward(run, 4)
        its.step(0.01, its.norm(), NO)
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("state", ["fp32", "bf16", "8bit"])
def test_state_under_its_names_continues_bit_by_bit(state: str) -> None:
    whole, first, second = network(), network(), network()
    its = Optimiser(whole, config(state=state))
    train(whole, its, 6)
    before = Optimiser(first, config(state=state))
    train(first, before, 6)
    second.load_state_dict(first.state_dict())
    after = Optimiser(second, config(state=state), updates=6)
    assert before.tensors().keys() == after.tensors().keys()
    for name, tensor in after.tensors().items():
        tensor.copy_(before.tensors()[name])
    train(whole, its, 4)
    train(second, after, 4)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))


def test_clipping_scales_to_the_norm_allowed_and_can_be_left_out() -> None:
    model = network()
    backward(model, 0)
    optimiser = Optimiser(model, config())
    wanted = torch.nn.utils.get_total_norm([p.grad for p in model.parameters()])
    torch.testing.assert_close(optimiser.norm(), wanted)
    free = network()
    train(free, Optimiser(free, config(clip=0)), 20)
    assert distance(free, by_torch(clip=1e9)) < 1e-5
