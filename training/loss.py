"""Next-token cross-entropy as a sum: any split over micro-batches and ranks adds up to the same loss.

The head and its loss run over chunks of tokens, so the logits of a micro-batch never exist as a whole. The
gradient is made in the forward pass, while a chunk's logits are there (as in Liger, Hsu et al. 2024); sums
are in fp32.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.arrays import IGNORE


def token_losses(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """(loss, squared logsumexp) of each token in fp32, 0 where it has no target.

    Shapes: logits [..., vocabulary], targets [...].
    """
    scores, valid = logits.float(), targets != IGNORE
    sums = scores.logsumexp(-1)
    goal = scores.gather(-1, targets.masked_fill(~valid, 0).unsqueeze(-1)).squeeze(-1)
    return torch.where(valid, sums - goal, 0.0), torch.where(valid, sums.square(), 0.0)


def shifted(labels: Tensor) -> Tensor:
    """Labels [rows, length] moved to the tokens that predict them; a row's last token predicts nothing."""
    return F.pad(labels[:, 1:], (0, 1), value=IGNORE)


def head_losses(
    hidden: Tensor,
    head: tuple[Tensor, Tensor | None],
    targets: Tensor,
    *,
    chunk: int,
    z_loss: float = 0.0,
    compile: bool = False,
) -> tuple[Tensor, Tensor]:
    """(loss to differentiate, loss per token without z-loss) of hidden states under a head.

    hidden [tokens, size], head = (weight [vocabulary, size], bias or None), targets [tokens] with IGNORE
    where there is no loss. The first is the sum over tokens of cross-entropy + z_loss x logsumexp^2
    (Chowdhery et al. 2022).
    """
    weight, bias = head
    # Inside `forward` all inputs that have a gradient say so, under no_grad too.
    wanted = torch.is_grad_enabled()
    found = _HeadLosses.apply(  # type: ignore[no-untyped-call]
        hidden, weight, bias, targets, chunk, z_loss, compile, wanted
    )
    return found[0], found[1]


class _HeadLosses(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        chunk: int,
        z_loss: float,
        compile: bool,
        wanted: bool,
    ) -> tuple[Tensor, Tensor]:
        wanted = wanted and any(ctx.needs_input_grad[:3])
        one_chunk = _compiled_chunk_loss() if compile else _chunk_loss
        losses = hidden.new_zeros(hidden.shape[0], dtype=torch.float32)
        extra = hidden.new_zeros((), dtype=torch.float32)
        to_hidden = torch.empty_like(hidden) if wanted else None
        to_weight = torch.zeros_like(weight, dtype=torch.float32) if wanted else None
        to_bias = torch.zeros_like(bias, dtype=torch.float32) if wanted and bias is not None else None
        for start in range(0, hidden.shape[0], chunk):
            part, goal = hidden[start : start + chunk], targets[start : start + chunk]
            logits = F.linear(part, weight, bias)
            found, more, slope = one_chunk(logits, goal, z_loss, wanted)
            losses[start : start + chunk] = found
            extra += more
            if to_hidden is not None and to_weight is not None and slope is not None:
                torch.mm(slope, weight, out=to_hidden[start : start + chunk])
                _add_product(to_weight, slope.t(), part)
                if to_bias is not None:
                    to_bias += slope.sum(0, dtype=torch.float32)
        ctx.save_for_backward(to_hidden, to_weight, to_bias)
        ctx.dtypes = weight.dtype, bias.dtype if bias is not None else None
        ctx.mark_non_differentiable(losses)
        ctx.set_materialize_grads(False)
        return losses.sum() + extra, losses

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        to_hidden, to_weight, to_bias = ctx.saved_tensors
        weight_type, bias_type = ctx.dtypes
        return (
            to_hidden.mul_(grad),
            to_weight.mul_(grad).to(weight_type),
            None if to_bias is None else to_bias.mul_(grad).to(bias_type),
            None, None, None, None, None,
        )  # fmt: skip


def _chunk_loss(
    logits: Tensor, targets: Tensor, z_loss: float, wanted: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """(loss per token, z-loss in all, gradient of both by the logits in their own number format)."""
    scores = logits.float()
    sums = scores.logsumexp(-1)
    valid = targets != IGNORE
    goal = targets.masked_fill(~valid, 0).unsqueeze(1)
    losses = torch.where(valid, sums - scores.gather(1, goal).squeeze(1), 0.0)
    extra = z_loss * torch.where(valid, sums.square(), 0.0).sum()
    if not wanted:
        return losses, extra, None
    # d/dx of (lse - x_goal + z lse^2) = softmax (1 + 2 z lse) - onehot
    slope = (scores - sums.unsqueeze(1)).exp_().mul_((1 + 2 * z_loss * sums).unsqueeze(1))
    slope.scatter_add_(1, goal, slope.new_full((), -1.0).expand(goal.shape))
    return losses, extra, slope.mul_(valid.unsqueeze(1)).to(logits.dtype)


@lru_cache(maxsize=1)
def _compiled_chunk_loss() -> Any:
    return torch.compile(_chunk_loss, dynamic=False)


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """total += left @ right, summed in fp32 whatever the factors are in."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    elif total.is_cuda and _sums_in_fp32(str(total.device)):
        torch.ops.aten.addmm.dtype_out(total, left, right, total.dtype, out=total)
    else:
        total += left @ right


@lru_cache(maxsize=1)
def _sums_in_fp32(device: str) -> bool:
    """Whether this torch can add a product of bf16 matrices to an fp32 one in place."""
    ones = torch.ones(16, 16, dtype=torch.bfloat16, device=device)
    total = torch.ones(16, 16, device=device)
    try:
        torch.ops.aten.addmm.dtype_out(total, ones, ones, total.dtype, out=total)
    except (RuntimeError, NotImplementedError, AttributeError):
        return False
    return bool((total == 17).all())
