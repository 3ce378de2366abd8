"""The loss in chunks is that of all logits at a time, in value and in gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from training.data.arrays import IGNORE
from training.loss import head_losses, shifted, token_losses

TOKENS, SIZE, VOCABULARY = 37, 24, 101


def made(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(hidden, weight, bias, targets with some missing)"""
    torch.manual_seed(5)
    hidden, weight = torch.randn(TOKENS, SIZE), torch.randn(VOCABULARY, SIZE) * 0.5
    targets = torch.randint(0, VOCABULARY, (TOKENS,)).masked_fill(torch.rand(TOKENS) < 0.3, IGNORE)
    return hidden.to(dtype), weight.to(dtype), torch.randn(VOCABULARY).to(dtype), targets


def reference(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, z_loss: float) -> Tensor:
    logits = F.linear(hidden, weight, bias).float()
    cross_entropy = F.cross_entropy(logits, targets, ignore_index=IGNORE, reduction="sum")
    return cross_entropy + z_loss * logits.logsumexp(-1)[targets != IGNORE].square().sum()


def with_gradients(loss: Tensor, *leaves: Tensor) -> list[Tensor]:
    found = torch.autograd.grad(loss / 7, leaves)
    return [loss.detach(), *found]


@pytest.mark.parametrize("chunk", [1, 8, TOKENS, 100])
@pytest.mark.parametrize("z_loss", [0.0, 1e-2])
@pytest.mark.parametrize("biased", [False, True])
def test_chunks_have_the_loss_and_gradients_of_all_logits(chunk: int, z_loss: float, biased: bool) -> None:
    hidden, weight, bias, targets = made()
    leaves = [tensor.requires_grad_() for tensor in ((hidden, weight, bias) if biased else (hidden, weight))]
    head = (weight, bias if biased else None)
    loss, losses = head_losses(hidden, head, targets, chunk=chunk, z_loss=z_loss)
    have = with_gradients(loss, *leaves)
    want = with_gradients(reference(hidden, weight, head[1], targets, z_loss), *leaves)
    for one, other in zip(have, want, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-5)
    plain = reference(hidden, weight, head[1], targets, 0.0)  # what is reported leaves z-loss out
    torch.testing.assert_close(losses.sum(), plain, rtol=1e-6, atol=0)
    assert (losses[targets == IGNORE] == 0).all()


def test_gradients_of_many_chunks_are_summed_in_fp32() -> None:
    hidden, weight, _, targets = made(torch.bfloat16)
    leaves = [hidden.requires_grad_(), weight.requires_grad_()]
    one, _ = head_losses(hidden, (weight, None), targets, chunk=1)
    whole, _ = head_losses(hidden, (weight, None), targets, chunk=TOKENS)
    in_chunks, at_once = with_gradients(one, *leaves), with_gradients(whole, *leaves)
    exact = with_gradients(reference(hidden.float(), weight.float(), None, targets, 0.0), hidden, weight)
    error, least = (
        float((found[2].float() - exact[2].float()).norm() / exact[2].float().norm())
        for found in (in_chunks, at_once)
    )
    assert error < 1.5 * least + 1e-3


def test_no_gradient_is_made_where_none_is_wanted() -> None:
    hidden, weight, bias, targets = made()
    with torch.no_grad():
        loss, losses = head_losses(hidden, (weight, bias), targets, chunk=8)
    torch.testing.assert_close(loss, reference(hidden, weight, bias, targets, 0.0), rtol=1e-6, atol=0)
    assert not loss.requires_grad and not losses.requires_grad


class Products(TorchDispatchMode):
    """Counts matrix products."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm, torch.ops.aten.addmm_)
        return func(*args, **(kwargs or {}))


def test_an_evaluation_makes_the_logits_and_no_other_product() -> None:
    hidden, weight, _, targets = made()
    weight.requires_grad_()
    with torch.no_grad(), Products() as products:
        head_losses(hidden, (weight, None), targets, chunk=8)
    assert products.count == -(-TOKENS // 8)
    with Products() as products:
        head_losses(hidden.requires_grad_(), (weight, None), targets, chunk=8)
    assert products.count == 3 * -(-TOKENS // 8)


def test_a_part_without_any_target_has_no_loss_and_no_gradient() -> None:
    hidden, weight, _, _ = made()
    hidden.requires_grad_()
    loss, _ = head_losses(hidden, (weight, None), torch.full((TOKENS,), IGNORE), chunk=8, z_loss=1e-2)
    (gradient,) = torch.autograd.grad(loss, hidden)
    assert loss.item() == 0 and not gradient.any()


def test_losses_of_whole_logits_are_those_of_torch() -> None:
    hidden, weight, _, targets = made()
    losses, squares = token_losses(hidden @ weight.t(), targets)
    torch.testing.assert_close(
        losses, F.cross_entropy(hidden @ weight.t(), targets, ignore_index=IGNORE, reduction="none")
    )
    assert (squares[targets == IGNORE] == 0).all() and (squares[targets != IGNORE] > 0).all()


def test_labels_move_to_the_tokens_that_predict_them() -> None:
    assert shifted(torch.tensor([[IGNORE, 5, IGNORE, 7]])).tolist() == [[5, IGNORE, 7, IGNORE]]
