"""Weights in and out as safetensors: every rank reads and writes its own slices, none holds all of them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict_loader import load as load_sharded
from torch.distributed.checkpoint.state_dict_saver import save as save_sharded

from corpus.engine.errors import UserError
from training.parallel import World

SHARD_BYTES = 4 << 30
_HASHED_WHOLE = 1 << 30  # bytes
_SAMPLES, _SAMPLE_BYTES = 64, 1 << 20


def load(folder: Path, tensors: Mapping[str, Tensor], world: World) -> None:
    """Fill `tensors` in place from the safetensors of a Hugging Face folder.

    Other number formats are converted. Raises UserError that names the first tensor that is missing
    or has another shape.
    """
    stored = _shapes(folder)
    for name, tensor in tensors.items():
        if name not in stored:
            raise UserError(
                f"{folder} has no tensor '{name}', which its config.json asks for; fetch or export it again."
            )
        if stored[name] != tuple(tensor.shape):
            raise UserError(
                f"the tensor '{name}' in {folder} has the shape {stored[name]}, not {tuple(tensor.shape)}."
            )
    load_sharded(
        dict(tensors), storage_reader=HuggingFaceStorageReader(str(folder)), process_group=world.host
    )


def export(folder: Path, tensors: Mapping[str, Tensor], world: World, dtype: torch.dtype) -> None:
    """Write whole tensors to safetensors files in `folder`, which is fresh.

    Collective: every rank must call it.
    """
    cast = {
        name: tensor.detach().to(dtype) if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    writer = HuggingFaceStorageWriter(
        str(folder), fqn_to_index_mapping=_files_of(cast), save_distributed=True, enable_consolidation=True
    )
    save_sharded(cast, storage_writer=writer, process_group=world.host)
    if world.first:
        shutil.rmtree(folder / "sharded")
        for file in sorted(folder.iterdir()):
            sync(file)
    world.barrier()


def identity(file: Path) -> str:
    """A hash by which another file is told apart: of all bytes, or of the size and samples of a large file.

    Training moves every weight, so samples are enough to see that a model was made anew.
    """
    size = file.stat().st_size
    sha256 = hashlib.sha256(f"{size}:".encode())
    with open(file, "rb") as stream:
        if size <= _HASHED_WHOLE:
            while block := stream.read(_SAMPLE_BYTES):
                sha256.update(block)
        else:
            for number in range(_SAMPLES):
                stream.seek(number * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
                sha256.update(stream.read(_SAMPLE_BYTES))
    return sha256.hexdigest()


def sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files_of(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """The number of each tensor's file, from 1 on; a new file begins where one would pass SHARD_BYTES."""
    number, size, files = 1, 0, {}
    for name, tensor in tensors.items():
        bytes_ = tensor.numel() * tensor.element_size()
        if size and size + bytes_ > SHARD_BYTES:
            number, size = number + 1, 0
        files[name], size = number, size + bytes_
    return files


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(str(file), framework="pt") as stream:
                shapes.update({name: tuple(stream.get_slice(name).get_shape()) for name in stream.keys()})  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise UserError(
                f"{file} is no readable safetensors file ({error}); fetch or export it again."
            ) from error
    return shapes
