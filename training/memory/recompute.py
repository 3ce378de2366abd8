"""Activation checkpointing, a choice per decoder layer: keep all, keep what is dear, or keep the input."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

MODES = ("none", "selective", "full")
_PRODUCTS = ("mm", "addmm", "bmm", "_scaled_mm", "baddbmm")
_ATTENTION = (
    "segment_attention",
    "_varlen_attn",
    "flex_attention",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
)


class Keeper:
    """What a selective layer keeps: attention, and every second matrix product.

    Those cost most to compute again for the memory that they take; norms, activations and rotations cost next
    to nothing. The choice of torchtitan, which measured it at 8B. The same object counts on the way back.
    """

    def __init__(self) -> None:
        self._products = {False: 0, True: 0}

    def __call__(self, context: Any, operator: Any, *_args: Any, **_named: Any) -> CheckpointPolicy:
        return (
            CheckpointPolicy.MUST_SAVE
            if self.keeps(operator, bool(context.is_recompute))
            else CheckpointPolicy.PREFER_RECOMPUTE
        )

    def keeps(self, operator: Any, recomputing: bool = False) -> bool:
        name = str(operator).split(".")[1] if str(operator).count(".") else str(operator)
        if name in _PRODUCTS:
            self._products[recomputing] += 1
            return self._products[recomputing] % 2 == 1
        return name in _ATTENTION


def apply(layers: Sequence[nn.Module], modes: Sequence[str]) -> None:
    """Give each layer its mode.

    The forward method is replaced and not the layer, so names stay, compilation sees the checkpoint, and what
    gathers the layer's parameters runs outside of it.
    """
    for layer, mode in zip(layers, modes, strict=True):
        if mode != "none":
            layer.forward = functools.partial(_checkpointed, layer.forward, mode)  # type: ignore[method-assign]


def _checkpointed(forward: Any, mode: str, *args: Any, **given: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **given)
    if mode == "full":
        return checkpoint(forward, *args, use_reentrant=False, **given)
    return checkpoint(forward, *args, use_reentrant=False, context_fn=_contexts, **given)


def _contexts() -> Any:
    return create_selective_checkpoint_contexts(Keeper())  # type: ignore[no-untyped-call]
