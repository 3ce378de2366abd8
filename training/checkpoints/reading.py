"""Checkpoints as they are found again: verified by all ranks together, and read at any world size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.checkpoint.state_dict_loader import load as load_sharded

from corpus.engine.errors import UserError
from corpus.engine.storage import reason_of
from training.checkpoints import folders
from training.checkpoints.folders import Manifest
from training.parallel import World

T = TypeVar("T")


@dataclass(frozen=True)
class Checkpoint:
    """A finished checkpoint whose hashes were found right."""

    folder: Path
    step: int
    state: Mapping[str, Any]

    def load(self, tensors: Mapping[str, Tensor], world: World) -> None:
        """Fill `tensors` in place, whatever the world size that wrote them. Collective."""
        reader = HuggingFaceStorageReader(str(self.folder))
        load_sharded(dict(tensors), storage_reader=reader, process_group=world.host)


def fault_of(folder: Path, world: World) -> str | None:
    """What is wrong with a finished checkpoint, the same answer on every rank; None if nothing is.

    Collective: the ranks share the work of hashing. Raises UserError on all of them where one cannot read it
    now: a file server that is away for a moment is no damage.
    """
    manifest = _agreed(folder, world, lambda: folders.read_manifest(folder) if world.first else None)[0]
    if not isinstance(manifest, Manifest):
        return str(manifest)
    names = sorted(manifest.files)
    mine = names[world.rank :: world.size]
    parts = _agreed(folder, world, lambda: folders.facts_or_reasons(folder, mine))
    return folders.fault_in(folder, manifest, {name: facts for part in parts for name, facts in part.items()})


def state_of(folder: Path, world: World) -> dict[str, Any]:
    """The state of a checkpoint without a fault. Collective."""
    return _agreed(folder, world, lambda: folders.read_state(folder) if world.first else {})[0]


def checkpoint_in(folder: Path | None, world: World) -> Checkpoint | None:
    """The checkpoint that a model folder is; None for a Hugging Face folder or none. Collective.

    Raises UserError for a damaged one: it was asked for by name, so nothing takes its place.
    """
    if folder is None or not folders.is_checkpoint(folder):
        return None
    fault = fault_of(folder, world)
    if fault:
        raise UserError(f"model={folder} is a damaged checkpoint ({fault}); give the one before it.")
    state = state_of(folder, world)
    return Checkpoint(folder, int(state["step"]), state)


def _agreed(folder: Path, world: World, action: Callable[[], T]) -> list[T]:
    """What each rank has read, in order of rank, or one UserError on all of them where one could not."""
    outcome: tuple[T | None, str | None]
    try:
        outcome = (action(), None)
    except UserError as error:
        outcome = (None, str(error))
    except OSError as error:
        outcome = (
            None,
            f"{folder} cannot be read on rank {world.rank}: {reason_of(error)}; nothing of it was changed. "
            "Put that right and give the same command again.",
        )
    outcomes = world.gather(outcome)
    for _, fault in outcomes:
        if fault:
            raise UserError(fault)
    return [value for value, _ in outcomes]  # type: ignore[misc]
