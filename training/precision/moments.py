"""How AdamW's moments are stored: as fp32, as bf16 with stochastic rounding, or in 8 bits by blocks.

Every format consists of plain tensors that are sharded like their parameter, along the first dimension, so a
checkpoint holds them under names and any world size reads them. Blocks lie within a row of the parameter for
that reason: no block is ever cut by a shard. In 8 bits the second moment is kept as its root, which spans
half as many decades: kept as it is, small ones would become 0, and their updates without bound.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.distributed.tensor import zeros as distributed_zeros

BLOCK = 256  # values that share a scale
_LEAST_ROW = 64  # values: a smaller row would spend more on its scale than it saves


def make(parameter: Tensor, name: str, state: str) -> dict[str, Tensor]:
    """Zero moments of a parameter by the names that a checkpoint gives them."""
    moments = ("exp_avg", "exp_avg_sq")
    if state == "8bit" and is_blockwise(parameter.shape):
        found = {}
        for moment in moments:
            found[f"{moment}_code.{name}"] = torch.full_like(parameter, _zero_code(moment), dtype=torch.uint8)
            found[f"{moment}_scale.{name}"] = _zero_scales(parameter)
        return {key: value.detach() for key, value in found.items()}
    dtype = torch.bfloat16 if state == "bf16" else torch.float32
    return {f"{moment}.{name}": torch.zeros_like(parameter, dtype=dtype).detach() for moment in moments}


def is_blockwise(shape: torch.Size) -> bool:
    """Whether a parameter's moments are kept in 8 bits: matrices are, norms and biases stay in fp32."""
    return len(shape) >= 2 and shape[1:].numel() >= _LEAST_ROW


def state_bytes(shape: torch.Size, rows: int, state: str) -> int:
    """Bytes of both moments of `rows` rows (first dimension) of a parameter."""
    row = shape[1:].numel()
    if state == "8bit" and is_blockwise(shape):
        return 2 * rows * (row + 4 * -(-row // BLOCK))
    return 2 * rows * row * (2 if state == "bf16" else 4)


def round_stochastically(values: Tensor, seed: Tensor, offset: int) -> Tensor:
    """fp32 values as bf16, rounded up or down by chance, so that the mean of many roundings is exact.

    The chance is a hash of seed (an int64 scalar on the device) and place: `offset` is the place of the first
    value in the whole parameter, so any world size and a resumed run round alike. Nearest rounding would lose
    every update below 1/256 of the value.
    """
    place = torch.arange(values.numel(), device=values.device) + (seed * 0x1E3779B97F4A7C15 + offset)
    noise = (_hash(place) & 0xFFFF).to(torch.int32).view(values.shape)
    rounded = ((values.contiguous().view(torch.int32) + noise) & -65536).view(torch.float32)
    return torch.where(torch.isfinite(rounded), rounded, values).to(torch.bfloat16)


def decode(code: Tensor, scale: Tensor, levels: Tensor) -> Tensor:
    """fp32 values of 8-bit codes [rows, ...] with a scale per block [rows, blocks]."""
    values = levels[code.flatten(1).int()]
    return (_blocks(values) * scale.unsqueeze(2)).flatten(1)[:, : values.shape[1]].reshape(code.shape)


def encode(values: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
    """(codes, scales) of fp32 values [rows, ...]; a scale is the largest magnitude of its block."""
    blocks = _blocks(values.flatten(1))
    scale = blocks.abs().amax(2)
    between = (levels[1:] + levels[:-1]) / 2
    relative = blocks / scale.clamp(min=torch.finfo(torch.float32).tiny).unsqueeze(2)
    found = torch.bucketize(relative, between, out_int32=True).to(torch.uint8)
    return found.flatten(1)[:, : values[0].numel()].reshape(values.shape), scale


def _blocks(rows: Tensor) -> Tensor:
    """[rows, size] -> [rows, blocks, BLOCK], zeros behind the end."""
    padded = F.pad(rows, (0, -rows.shape[1] % BLOCK))
    return padded.view(rows.shape[0], padded.shape[1] // BLOCK, BLOCK)


def _zero_scales(parameter: Tensor) -> Tensor:
    shape = (parameter.shape[0], -(-parameter.shape[1:].numel() // BLOCK))
    if isinstance(parameter, DTensor):
        return distributed_zeros(
            shape, dtype=torch.float32, device_mesh=parameter.device_mesh, placements=parameter.placements
        )
    return torch.zeros(shape, device=parameter.device)


def _hash(numbers: Tensor) -> Tensor:
    """The finaliser of SplitMix64 on int64 tensors, whose products wrap."""
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15)):
        numbers = (numbers ^ _logical_shift(numbers, shift)) * factor
    return numbers ^ _logical_shift(numbers, 31)


def _logical_shift(numbers: Tensor, shift: int) -> Tensor:
    return (numbers >> shift) & ((1 << (64 - shift)) - 1)


@lru_cache(maxsize=8)
def levels_of(moment: str, device: str) -> Tensor:
    """The 256 values that a code may mean, before its block's scale."""
    return _dynamic_levels(signed=moment == "exp_avg").to(device)


def _zero_code(moment: str) -> int:
    return int((levels_of(moment, "cpu") == 0).nonzero().item())


def _dynamic_levels(*, signed: bool) -> Tensor:
    """256 levels in [-1, 1] or [0, 1], finer by steps of ten towards 0: dynamic tree quantisation.

    Dettmers et al. 2022, "8-bit Optimizers via Block-wise Quantization": seven decades, each with twice as
    many levels as the one below, at the middles of equal parts of [0.1, 1] times its power of ten.
    """
    positive = []
    for decade in range(7):
        parts = 2**decade if signed else 2 ** (decade + 1)
        edges = torch.linspace(0.1, 1, parts + 1, dtype=torch.float64)
        positive.append((edges[1:] + edges[:-1]) / 2 * 10.0 ** (decade - 6))
    levels = torch.cat(positive)
    found = torch.cat([-levels, levels]) if signed else levels
    return torch.cat([found, torch.tensor([0.0, 1.0], dtype=torch.float64)]).sort().values.float()
