"""Matrix products of the decoder layers in float8, with one scale per tensor: torchao's Float8Linear."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType

import torch
from torch import nn

from corpus.engine.errors import UserError

_MULTIPLE = 16  # what the hardware asks of all sides of its matrices, tokens among them


def check(device: torch.device, *, compiled: bool, tokens: int) -> None:
    """Raises UserError where float8 cannot be computed or would only cost time.

    `tokens` are those of a micro-batch.
    """
    if tokens % _MULTIPLE:
        raise UserError(
            f"float8=true needs micro_rows x length to be a multiple of {_MULTIPLE}, and it is {tokens:,}; "
            "change one of them, or leave float8 out."
        )
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 9):
        raise UserError("float8=true needs a CUDA device of compute capability 8.9 (Ada, Hopper) or newer.")
    if not compiled:
        raise UserError("float8=true needs compile=true: uncompiled, its scaling costs more than it saves.")


def convert(layers: list[nn.Module], *, emulate: bool = False) -> None:
    """Let the linear modules of the layers multiply in float8; weights and their names stay as they are.

    `emulate` computes the same roundings on any device, for tests. The head stays in bf16: its loss is the
    most sensitive to rounding.
    """
    try:
        from torchao.float8 import (  # type: ignore[import-untyped]
            Float8LinearConfig,
            convert_to_float8_training,
        )
    except ImportError as error:
        raise UserError("float8=true needs torchao: pip install torchao.") from error
    config = Float8LinearConfig(emulate=emulate)
    for layer in layers:
        convert_to_float8_training(layer, config=config, module_filter_fn=_fits)


@contextmanager
def left_out(model: nn.Module) -> Iterator[None]:
    """While the block runs, the model multiplies as it would without float8.

    One scale serves all tokens of a micro-batch, so another document there rounds this one otherwise.
    """
    converted = [part for part in model.modules() if type(part).__module__.startswith("torchao.float8")]
    for module in converted:
        module.forward = MethodType(nn.Linear.forward, module)
    try:
        yield
    finally:
        for module in converted:
            del module.forward


def _fits(module: nn.Module, _name: str) -> bool:
    return (
        isinstance(module, nn.Linear)
        and module.in_features % _MULTIPLE == 0
        and module.out_features % _MULTIPLE == 0
    )
