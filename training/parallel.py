"""Ranks: joining the process group, sharding a model over it, and small exchanges between hosts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch._C._distributed_c10d import HashStore
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

from corpus.engine.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """This process among all. `host` is a gloo group: what travels over it never waits for a device."""

    rank: int
    size: int
    device: torch.device
    mesh: DeviceMesh
    host: dist.ProcessGroup

    @property
    def first(self) -> bool:
        return self.rank == 0

    def gather(self, value: T) -> list[T]:
        """The value of every rank, in order of rank, on every rank."""
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value, group=self.host)
        return values

    def from_first(self, value: T | None) -> T:
        """The value of rank 0, on every rank."""
        values = [value]
        dist.broadcast_object_list(values, src=0, group=self.host)
        return values[0]  # type: ignore[return-value]

    def barrier(self) -> None:
        dist.barrier(group=self.host)


@contextmanager
def join_world(device: str) -> Iterator[World]:
    """The process group that torchrun describes in the environment, or a group of one without it."""
    kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "device=cuda, but this torch sees no CUDA device; give device=cpu "
            "or install a CUDA build of torch."
        )
    backend = "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo"
    chosen = (
        torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        if kind == "cuda"
        else torch.device("cpu")
    )
    if kind == "cuda":
        torch.cuda.set_device(chosen)
    if "RANK" in os.environ:
        dist.init_process_group(backend)
    else:
        dist.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
    try:
        size = dist.get_world_size()
        host = dist.group.WORLD if kind == "cpu" else dist.new_group(backend="gloo")
        assert host is not None
        yield World(dist.get_rank(), size, chosen, init_device_mesh(kind, (size,)), host)
    finally:
        dist.destroy_process_group()


def shard_model(model: nn.Module, layers: list[nn.Module], world: World, *, bf16: bool) -> None:
    """`fully_shard` each layer and then the root, gradients summed over ranks and never averaged.

    The loss is divided by the global number of tokens before the backward pass, so averaging would divide
    twice. The divide factor of 1 needs the forced sum: gloo has no pre-multiplied sum and would raise.
    """
    compute = torch.bfloat16 if bf16 else torch.float32
    policy = MixedPrecisionPolicy(param_dtype=compute, reduce_dtype=torch.float32)
    for layer in layers:
        fully_shard(layer, mesh=world.mesh, mp_policy=policy)
    fully_shard(model, mesh=world.mesh, mp_policy=policy)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.set_force_sum_reduction_for_comms(True)
            module.set_gradient_divide_factor(1.0)
