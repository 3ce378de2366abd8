"""Functions of the tests on several real gloo ranks, each in a process of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as mp


def on_ranks(ranks: int, function: Callable[..., None], *arguments: Any) -> None:
    """Run `function(world, *arguments)`, which lies in a module, on so many ranks; raises what any of them raises."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(_run, args=(ranks, port, function, arguments), nprocs=ranks)


def _run(rank: int, ranks: int, port: int, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    from training.parallel import join_world

    os.environ.update(
        RANK=str(rank),
        WORLD_SIZE=str(ranks),
        LOCAL_RANK=str(rank),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
    )
    torch.set_num_threads(1)
    with join_world("cpu") as world:
        function(world, *arguments)
        world.barrier()


def save(path: Path, value: Any, rank: int) -> None:
    """Hand something back to the test, from the first rank."""
    if rank == 0:
        torch.save(value, path)
