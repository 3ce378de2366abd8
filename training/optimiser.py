"""AdamW with groups for weight decay, gradient clipping, and its state under the names of the parameters."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from training.config import OptimiserConfig

_MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimiser:
    """AdamW over a sharded model; its state is two tensors per parameter and one count of steps."""

    def __init__(self, model: nn.Module, config: OptimiserConfig, steps: int = 0) -> None:
        self.named = dict(model.named_parameters())
        self._config = config
        self._adamw = torch.optim.AdamW(
            _groups(model, config.weight_decay),
            lr=config.lr,
            betas=(config.beta1, config.beta2),
            eps=config.eps,
            fused=True,
        )
        for parameter in self.named.values():
            self._adamw.state[parameter] = {
                "step": torch.tensor(float(steps), device=parameter.device),
                **{name: torch.zeros_like(parameter) for name in _MOMENTS},
            }

    def tensors(self) -> dict[str, Tensor]:
        """The moments, for a checkpoint to write or fill.

        Their names are `exp_avg.<parameter>` and `exp_avg_sq.<parameter>`.
        """
        return {f"{m}.{name}": self._adamw.state[p][m] for name, p in self.named.items() for m in _MOMENTS}

    def clip(self) -> float:
        """Scale the gradients down to the largest norm allowed; returns the norm before.

        A norm that is not finite is left to the caller.
        """
        limit = self._config.clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(list(self.named.values()), limit)
        return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)

    def step(self, lr: float) -> None:
        for group in self._adamw.param_groups:
            group["lr"] = lr
        self._adamw.step()

    def zero(self) -> None:
        self._adamw.zero_grad(set_to_none=True)


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    matrices = [p for p in model.parameters() if p.ndim >= 2 and id(p) not in embeddings]
    others = [p for p in model.parameters() if p.ndim < 2 or id(p) in embeddings]
    groups = ((matrices, decay), (others, 0.0))
    return [{"params": params, "weight_decay": value} for params, value in groups if params]
