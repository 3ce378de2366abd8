"""One optimiser step on one rank: forward and backward over micro-batches, gradient norm, AdamW.

Nothing here waits for the device: what a step yields are device scalars, which the loop reads when it logs.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch import Tensor

from training.attention import backends
from training.attention.check import check
from training.attention.layout import Layout
from training.config import TrainConfig
from training.data.arrays import Int32
from training.model import Built
from training.optimiser import Optimiser
from training.parallel import World

COLLECT_EVERY = 100  # steps between two collections of Python's garbage


class Rows(Protocol):
    """What a step reads of a batch, each [rows, length]; labels are IGNORE where there is no loss."""

    @property
    def ids(self) -> Int32: ...

    @property
    def positions(self) -> Int32: ...

    @property
    def labels(self) -> Int32: ...


@dataclass(frozen=True)
class StepResult:
    """Device scalars, the same on every rank. Reading one waits for the device; `read` reads all at once.

    `loss` is the mean over the global valid tokens, without z-loss; `grad_norm` is before clipping; `skipped`
    is 1 where the weights were left as they were: loss or norm not finite, or beyond what the caller allows.
    """

    loss: Tensor
    grad_norm: Tensor
    skipped: Tensor

    def read(self) -> dict[str, float]:
        names = ("loss", "grad_norm", "skipped")
        return dict(zip(names, torch.stack([getattr(self, name).double() for name in names]).tolist()))


class TrainStep:
    """`step` does one whole optimiser step, `evaluate_rows` a forward pass. Both are collective."""

    def __init__(
        self, model: Any, optimiser: Optimiser, config: TrainConfig, world: World, say: Callable[[str], None]
    ) -> None:
        self.model, self.optimiser, self.config, self.world = model, optimiser, config, world
        self._built: Built = model.built
        check(model, self._built.attention, world.device, bf16=config.precision == "bf16", say=say)
        if config.attention == "auto" and self._built.attention in ("mask", "eager"):
            say("this model has an attention of its own: a mask over whole rows keeps documents apart.")
        if world.device.type == "cuda":
            say(f"memory: {self._built.plan}")
        self._broken = torch.zeros((), device=world.device)
        self._steps = 0

    def step(
        self, batch: Rows, valid: int, lr: float, *, skip_above: tuple[float, float] | None = None
    ) -> StepResult:
        """Train on this rank's rows of the global batch, which has `valid` labelled tokens over all ranks.

        `skip_above`: the largest loss and gradient norm with which the update is made. After a loss or norm
        that is not finite no later step moves the weights either: the caller learns of it only when it reads
        the result.
        """
        self._collect()
        total = torch.zeros((), dtype=torch.float64, device=self.world.device)
        micro = self.config.micro_rows
        starts = range(0, len(batch.ids), micro)
        for start in starts:
            here = slice(start, start + micro)
            self.model.set_requires_gradient_sync(self._built.plan.sync_each or start == starts[-1])
            objective, losses = self._forward(batch.ids[here], batch.positions[here], batch.labels[here])
            torch.autograd.backward(objective / max(valid, 1))
            total += losses.sum(dtype=torch.float64)
        if self.world.size > 1:
            dist.all_reduce(total, group=self.world.mesh.get_group())
        loss, norm = total / max(valid, 1), self.optimiser.norm()
        skip = self._verdict(loss, norm, skip_above)
        self.optimiser.step(lr, norm, skip)
        self.optimiser.zero()
        return StepResult(loss, norm, skip)

    def evaluate_rows(self, ids: Int32, positions: Int32, labels: Int32) -> Tensor:
        """Summed loss of each row [rows] on the device; to be called under `torch.no_grad()`."""
        _, losses = self._forward(ids, positions, labels)
        return losses.sum(1, dtype=torch.float64)

    def _forward(self, ids: Int32, positions: Int32, labels: Int32) -> tuple[Tensor, Tensor]:
        """(loss to differentiate, loss of each token) of some rows, documents isolated and the cache off."""
        layout = Layout.of(positions)
        found: tuple[Tensor, Tensor] = self.model(
            input_ids=self._to_device(ids),
            position_ids=self._to_device(positions),
            targets=self._to_device(labels),
            use_cache=False,
            **backends.arguments(self._built.attention, layout, self.world.device),
        )
        return found

    def _to_device(self, values: Int32) -> Tensor:
        tensor = torch.from_numpy(values)
        if self.world.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.world.device, torch.long, non_blocking=True)

    def _verdict(self, loss: Tensor, norm: Tensor, limits: tuple[float, float] | None) -> Tensor:
        """1 where this step must not move the weights."""
        finite = torch.isfinite(loss) & torch.isfinite(norm)
        self._broken = torch.maximum(self._broken, (~finite).float())
        if limits is None:
            return self._broken
        return torch.maximum(self._broken, ((loss > limits[0]) | (norm > limits[1])).float())

    def _collect(self) -> None:
        """Collect Python's garbage, at the same steps on all ranks: one that stops by itself stops all."""
        if self._steps == 0:
            gc.disable()
            gc.collect()
        elif self._steps % COLLECT_EVERY == 0:
            gc.collect(1)
        self._steps += 1
