"""A rank's slices of the tensors: copied out of the way of training, and written as safetensors.

The files are those of torch's `HuggingFaceStorageWriter`, and its reader takes them at any world size. They
are written here because that writer builds whole files in memory, and does not hash what it writes.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from training.checkpoints.durable import BLOCK, FileFacts

_NAMES = {
    **{torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"},
    **{torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8"},
    **{torch.uint8: "U8", torch.bool: "BOOL"},
}


@dataclass(frozen=True)
class Slice:
    """What one rank holds of a tensor, and where it begins in the whole."""

    name: str
    values: Tensor
    offsets: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return self.values.numel() * self.values.element_size()


def slices_of(tensors: Mapping[str, Tensor], rank: int) -> list[Slice]:
    """The slices that this rank has to write, so that all ranks together write each value once."""
    found = []
    for name, tensor in tensors.items():
        if isinstance(tensor, DTensor):
            if not _is_first_copy(tensor):
                continue
            shape = torch.Size(tensor.shape)
            _, offsets = compute_local_shape_and_global_offset(shape, tensor.device_mesh, tensor.placements)
            local = tensor.to_local().detach()
        else:
            local, offsets = tensor.detach(), (0,) * tensor.dim()
            if rank:
                continue
        if local.numel():
            found.append(Slice(name, local, tuple(offsets)))
    return found


class Staging:
    """Copies of the slices in the host's memory, in buffers that are kept from one save to the next."""

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}
        self._copied: torch.cuda.Event | None = None

    def copy(self, slices: Sequence[Slice]) -> list[Slice]:
        """Begin to copy. On CUDA the copies are queued before what the next step queues, and nobody waits."""
        on_device = any(part.values.is_cuda for part in slices)
        staged = []
        for part in slices:
            buffer = self._buffers.get(part.name)
            if buffer is None:
                buffer = torch.empty(part.values.shape, dtype=part.values.dtype, pin_memory=on_device)
                self._buffers[part.name] = buffer
            buffer.copy_(part.values, non_blocking=True)
            staged.append(Slice(part.name, buffer, part.offsets))
        if on_device:
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied.record()
        return staged

    def wait(self) -> None:
        """Return once the copies are there; called by the thread that writes them."""
        if self._copied is not None:
            self._copied.synchronize()


def write_slices(path: Path, slices: Sequence[Slice]) -> FileFacts:
    """Write a safetensors file and force it to disk. The hash is of what was meant, not of what is read."""
    ordered = sorted(
        slices, key=lambda part: (-part.values.element_size(), part.name)
    )  # keeps values aligned
    sha256, size = hashlib.sha256(), 0
    with open(path, "xb") as stream:
        for data in (memoryview(_header(ordered)), *(_bytes_of(part.values) for part in ordered)):
            for start in range(0, len(data), BLOCK):
                block = data[start : start + BLOCK]
                stream.write(block)
                sha256.update(block)
            size += len(data)
        stream.flush()
        os.fsync(stream.fileno())
    return {"bytes": size, "sha256": sha256.hexdigest()}


def _header(slices: Sequence[Slice]) -> bytes:
    sharding = {part.name: {"saved_offsets": list(part.offsets)} for part in slices}
    entries: dict[str, Any] = {
        "__metadata__": {"DCP_SHARDING_INFO": json.dumps(sharding), "DCP_VERSION": "1.0", "format": "pt"}
    }
    at = 0
    for part in slices:
        place = [at, at + part.bytes]
        kind, shape = _NAMES[part.values.dtype], list(part.values.shape)
        entries[part.name] = {"dtype": kind, "shape": shape, "data_offsets": place}
        at = place[1]
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _bytes_of(values: Tensor) -> memoryview:
    flat = values.contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy().data)


def _is_first_copy(tensor: DTensor) -> bool:
    """Whether this rank is the first of those that hold the same slice."""
    place = tensor.device_mesh.get_coordinate()
    if place is None:
        return False
    return all(at == 0 for at, kind in zip(place, tensor.placements) if kind.is_replicate())
