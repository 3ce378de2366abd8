"""Checkpoints are folders that are whole and verified, or do not exist.

    checkpoints/step_N/shard-*.safetensors   model and moments, a slice per rank; readable at any world size
    checkpoints/step_N/state.json            step, loader cursors, fingerprint, tokens per source
    checkpoints/step_N/manifest.json         size and sha256 of each file, written last

A save goes to a fresh folder, is forced to disk, and is renamed. Nothing writes into a finished folder:
torch's own loader would then read a mix of old and new without a word. A flipped bit is found by the hash;
the folder is set aside under another name and the one before is used. No file needs pickle.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict_loader import load as load_sharded
from torch.distributed.checkpoint.state_dict_saver import save as save_sharded

from training.parallel import World
from training.weights import sync

FORMAT = 1
STATE, MANIFEST = "state.json", "manifest.json"
_FINISHED = re.compile(r"step_(\d+)")


@dataclass(frozen=True)
class Checkpoint:
    folder: Path
    step: int
    state: Mapping[str, Any]

    def load(self, tensors: Mapping[str, Tensor], world: World) -> None:
        """Fill `tensors` in place, whatever the world size that wrote them."""
        load_sharded(
            dict(tensors), storage_reader=HuggingFaceStorageReader(str(self.folder)), process_group=world.host
        )


class CheckpointStore:
    """The checkpoints of one run. All methods are collective: every rank must call them."""

    def __init__(self, folder: Path, world: World, keep: int, warn: Callable[[str], None]) -> None:
        self.folder, self._world, self._keep, self._warn = folder, world, keep, warn
        if world.first:
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob(
                "*.tmp-*"
            ):  # an earlier process died in the middle of a save or a removal
                shutil.rmtree(left)
        world.barrier()

    def save(self, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> Path:
        """Write and publish `step_N`; then drop the oldest beyond those kept."""
        target, world = self.folder / f"step_{step}", self._world
        fresh = self.folder / world.from_first(f"step_{step}.tmp-{secrets.token_hex(4)}")
        if world.first:
            fresh.mkdir()
            _write_json(fresh / STATE, {"format": FORMAT, "step": step, **state})
        world.barrier()
        writer = HuggingFaceStorageWriter(str(fresh), save_distributed=True)
        save_sharded(dict(tensors), storage_writer=writer, process_group=world.host)
        digests = self._digests(fresh, sorted(path.name for path in fresh.iterdir()))
        if world.first:
            _write_json(fresh / MANIFEST, {"format": FORMAT, "step": step, "files": digests})
            sync(fresh)
            os.rename(fresh, target)
            sync(self.folder)
            self._prune()
        world.barrier()
        return target

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint that passes its hashes. Damaged ones are named, set aside and passed over."""
        while True:
            steps = self._world.from_first(self._finished() if self._world.first else None)
            if not steps:
                return None
            folder = self.folder / f"step_{steps[-1]}"
            fault = self._fault(folder)
            if fault is None:
                return Checkpoint(folder, steps[-1], json.loads((folder / STATE).read_text("utf-8")))
            if self._world.first:
                aside = folder.with_name(f"{folder.name}.damaged-{secrets.token_hex(4)}")
                os.rename(folder, aside)
                self._warn(
                    f"checkpoint {folder} is damaged ({fault}); set aside as {aside.name}, "
                    "using the one before."
                )
            self._world.barrier()

    def _finished(self) -> list[int]:
        matches = (_FINISHED.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(match.group(1)) for match in matches if match)

    def _fault(self, folder: Path) -> str | None:
        """What is wrong with a finished folder, the same answer on every rank; None if nothing is."""
        try:
            wanted = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            wanted = f"{MANIFEST} cannot be read: {error}"
        wanted = self._world.from_first(wanted)
        if isinstance(wanted, str):
            return wanted
        present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        missing = sorted(set(wanted) - present)
        if missing:
            return f"{missing[0]} is missing"
        have = self._digests(folder, sorted(wanted))
        return next(
            (f"{name} does not match its sha256" for name in sorted(wanted) if have[name] != wanted[name]),
            None,
        )

    def _digests(self, folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
        """Size and sha256 of files; the ranks share the work."""
        mine = {name: _digest(folder / name) for name in names[self._world.rank :: self._world.size]}
        return {name: digest for part in self._world.gather(mine) for name, digest in part.items()}

    def _prune(self) -> None:
        for step in self._finished()[: -self._keep]:
            doomed = self.folder / f"step_{step}.tmp-{secrets.token_hex(4)}"
            os.rename(self.folder / f"step_{step}", doomed)
            shutil.rmtree(doomed)


def _digest(path: Path) -> dict[str, Any]:
    with open(path, "rb") as stream:
        sha256 = hashlib.sha256()
        while block := stream.read(1 << 22):
            sha256.update(block)
        return {"bytes": stream.tell(), "sha256": sha256.hexdigest()}


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(data, stream, separators=(",", ":"))
        stream.flush()
        os.fsync(stream.fileno())
