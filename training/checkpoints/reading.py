"""Checkpoints as they are found again: verified by all ranks together, and read at any world size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.checkpoint.state_dict_loader import load as load_sharded

from corpus.engine.errors import UserError
from training.checkpoints import folders
from training.checkpoints.folders import Manifest
from training.parallel import World


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

    Collective: the ranks share the work of hashing.
    """
    manifest = world.from_first(folders.read_manifest(folder) if world.first else None)
    if not isinstance(manifest, Manifest):
        return str(manifest)
    names = sorted(manifest.files)
    parts = world.gather(folders.facts_or_reasons(folder, names[world.rank :: world.size]))
    return folders.fault_in(folder, manifest, {name: facts for part in parts for name, facts in part.items()})


def checkpoint_in(folder: Path | None, world: World) -> Checkpoint | None:
    """The checkpoint that a model folder is; None for a Hugging Face folder or none. Collective.

    Raises UserError for a damaged one: it was asked for by name, so nothing takes its place.
    """
    if folder is None or not folders.is_checkpoint(folder):
        return None
    fault = fault_of(folder, world)
    if fault:
        raise UserError(f"model={folder} is a damaged checkpoint ({fault}); give the one before it.")
    state = folders.read_state(folder)
    return Checkpoint(folder, int(state["step"]), state)
