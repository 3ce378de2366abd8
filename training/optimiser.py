"""AdamW over a sharded model: groups for weight decay, clipping, and moments in one of three number formats.

It works on each rank's own shards and decides on the device whether a step counts: the host never waits for a
norm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from training.config import OptimiserConfig
from training.precision.moments import decode, encode, levels_of, make, round_stochastically

_AT_ONCE = 1 << 26  # values that are updated at a time where there are temporary fp32 copies


class Entry(NamedTuple):
    """A parameter, this rank's shard of it, and of its moments in the order in which `make` names them."""

    parameter: nn.Parameter
    values: Tensor
    moments: list[Tensor]
    decay: float
    offset: int  # of the shard's first value in the whole parameter
    number: int


class Optimiser:
    """AdamW (Loshchilov and Hutter 2019). `updates` is how many steps have counted so far."""

    def __init__(
        self, model: nn.Module, config: OptimiserConfig, updates: int = 0, *, compile: bool = False
    ) -> None:
        self._config = config
        self._tensors: dict[str, Tensor] = {}
        self._entries = list(self._make(model))
        self._device = self._entries[0].values.device
        self._updates = torch.tensor(float(updates), device=self._device)
        first = self._entries[0].parameter
        self._group = first.device_mesh.get_group() if isinstance(first, DTensor) else None
        self._update = torch.compile(_update, dynamic=True) if compile else _update

    def tensors(self) -> dict[str, Tensor]:
        """The moments, for a checkpoint to write or fill: `exp_avg.<parameter>` and `exp_avg_sq.<parameter>`.

        In 8 bits a moment is two tensors, `exp_avg_code.<parameter>` and `exp_avg_scale.<parameter>`.
        """
        return self._tensors

    def norm(self) -> Tensor:
        """The norm of the gradient over all ranks, before clipping, as a device scalar. Collective."""
        gradients = [grad for _, grad in self._with_gradient()]
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        if gradients:
            total += torch.stack(torch._foreach_norm(gradients, 2.0)).double().square().sum()
        if self._group is not None:
            dist.all_reduce(total, group=self._group)
        return total.sqrt().float()

    def step(self, lr: float, norm: Tensor, skip: Tensor) -> None:
        """Update the weights, gradients clipped by their norm; where `skip` is 1 nothing changes.

        `norm` and `skip` are fp32 scalars on the device.
        """
        shrink = norm.div(self._config.clip).clamp(min=1.0) if self._config.clip else torch.ones_like(norm)
        self._updates += 1 - skip
        if self._config.state == "fp32":
            self._step_fused(lr, shrink, skip)
        else:
            self._step_in_parts(lr, shrink, skip)

    def zero(self) -> None:
        for entry in self._entries:
            entry.parameter.grad = None

    def _make(self, model: nn.Module) -> Iterator[Entry]:
        with_decay = {id(parameter) for parameter in decayed(model)}
        for number, (name, parameter) in enumerate(model.named_parameters()):
            made = make(parameter, name, self._config.state)
            self._tensors.update(made)
            yield Entry(
                parameter,
                _local(parameter.detach()),
                [_local(tensor) for tensor in made.values()],
                self._config.weight_decay if id(parameter) in with_decay else 0.0,
                _first_row(parameter) * parameter.shape[1:].numel(),
                number,
            )

    def _with_gradient(self) -> Iterator[tuple[Entry, Tensor]]:
        """The entries of which this rank holds something, with its shard of the gradient."""
        for entry in self._entries:
            gradient = entry.parameter.grad
            if gradient is not None and entry.values.numel():
                yield entry, _local(gradient)

    def _step_fused(self, lr: float, shrink: Tensor, skip: Tensor) -> None:
        config, pairs = self._config, list(self._with_gradient())
        for decay in sorted({entry.decay for entry, _ in pairs}):
            chosen = [(entry, gradient) for entry, gradient in pairs if entry.decay == decay]
            torch._fused_adamw_(
                [entry.values for entry, _ in chosen], [gradient for _, gradient in chosen],
                [entry.moments[0] for entry, _ in chosen], [entry.moments[1] for entry, _ in chosen],
                [], [self._updates] * len(chosen), lr=lr, beta1=config.beta1, beta2=config.beta2,
                weight_decay=decay, eps=config.eps, amsgrad=False, maximize=False,
                grad_scale=shrink, found_inf=skip,
            )  # fmt: skip

    def _step_in_parts(self, lr: float, shrink: Tensor, skip: Tensor) -> None:
        config, updates = self._config, self._updates
        rate = torch.tensor(lr, device=self._device)
        corrections = 1 - config.beta1**updates, (1 - config.beta2**updates).sqrt()
        for entry, gradient in self._with_gradient():
            rows = max(1, _AT_ONCE // max(entry.values[0].numel(), 1))
            seed = updates.long() * len(self._entries) + entry.number
            for start in range(0, len(entry.values), rows):
                here = slice(start, start + rows)
                self._update(
                    entry.values[here], gradient[here], [moment[here] for moment in entry.moments],
                    _Step(rate, *corrections, shrink, skip, seed), config.beta1, config.beta2, config.eps,
                    entry.decay, entry.offset + start * entry.values[0].numel(),
                )  # fmt: skip


class _Step(NamedTuple):
    """What changes from step to step: scalars on the device."""

    lr: Tensor
    correction: Tensor
    correction_sq: Tensor
    shrink: Tensor
    skip: Tensor
    seed: Tensor


def _update(  # noqa: PLR0917
    values: Tensor, gradient: Tensor, moments: Sequence[Tensor], step: _Step,
    beta1: float, beta2: float, eps: float, decay: float, offset: int,
) -> None:  # fmt: skip
    """The same rule as the fused kernel's, over moments that are stored in fewer bits."""
    kept = step.skip == 1
    gradient = gradient.float() / step.shrink
    first, second = _load(moments)
    first = torch.lerp(first, gradient, 1 - beta1)
    second = second * beta2 + gradient.square() * (1 - beta2)
    root = second.sqrt() / step.correction_sq + eps
    moved = values * (1 - step.lr * decay) - step.lr / step.correction * first / root
    for old, new in zip((values, *moments), (moved, *_stored(moments, first, second, step.seed, offset))):
        old.copy_(torch.where(kept, old, new))


def _load(moments: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    if len(moments) == 2:
        return moments[0].float(), moments[1].float()
    device = str(moments[0].device)
    first = decode(moments[0], moments[1], levels_of("exp_avg", device))
    return first, decode(moments[2], moments[3], levels_of("exp_avg_sq", device)).square()


def _stored(
    moments: Sequence[Tensor], first: Tensor, second: Tensor, seed: Tensor, offset: int
) -> list[Tensor]:
    """fp32 moments in the format of `moments`."""
    if len(moments) == 4:
        device = str(first.device)
        codes = (
            encode(first, levels_of("exp_avg", device)),
            encode(second.sqrt(), levels_of("exp_avg_sq", device)),
        )
        return [tensor for pair in codes for tensor in pair]
    if moments[0].dtype == torch.bfloat16:
        return [
            round_stochastically(first, 2 * seed, offset), round_stochastically(second, 2 * seed + 1, offset),
        ]  # fmt: skip
    return [first, second]


def decayed(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that weight decay acts on: matrices, but no embeddings."""
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    return [p for p in model.parameters() if p.ndim >= 2 and id(p) not in embeddings]


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def _first_row(parameter: Any) -> int:
    """The row of the whole parameter that this rank's shard begins with."""
    if not isinstance(parameter, DTensor):
        return 0
    rank, size = parameter.device_mesh.get_local_rank(), parameter.device_mesh.size()
    return min(rank * -(-parameter.shape[0] // size), parameter.shape[0])
