"""Saving behind the training, and finding the newest checkpoint that is whole."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch.distributed as dist
from torch import Tensor

from corpus.engine.errors import UserError
from corpus.engine.storage import reason_of
from training.checkpoints import durable, folders
from training.checkpoints.durable import FileFacts
from training.checkpoints.folders import Manifest
from training.checkpoints.reading import Checkpoint, fault_of, state_of
from training.checkpoints.slices import Slice, Staging, slices_of, write_slices
from training.parallel import World

T = TypeVar("T")
_SPARE = 64 << 20  # bytes that a save leaves free, for the log and the file system's own needs


@dataclass(frozen=True)
class _Save:
    """What the background needs to finish a checkpoint; nothing in it changes any more."""

    step: int
    permanent: bool
    fresh: Path
    slices: Sequence[Slice]
    documents: Mapping[str, Mapping[str, Any]]  # small JSON files by name, written by rank 0


class CheckpointStore:
    """The checkpoints of one run. All methods but `fault` are collective: every rank must call them.

    One save is in flight at most. Its thread talks to the other ranks over a group of its own, so that its
    messages and those of the training never meet.
    """

    def __init__(self, folder: Path, world: World, keep: int, warn: Callable[[str], None]) -> None:
        self.folder, self._world, self._keep, self._warn = folder, world, keep, warn
        self._group = dist.new_group(backend="gloo")
        self._staging = Staging()
        self._thread: threading.Thread | None = None
        self._fault: Exception | None = None
        self._on_first(self._prepare)

    def save(
        self,
        step: int,
        tensors: Mapping[str, Tensor],
        documents: Mapping[str, Mapping[str, Any]],
        *,
        permanent: bool = False,
    ) -> None:
        """Begin to save `step_N`; returns once the tensors are staged and may change.

        Waits for the save before. Raises UserError where the disk has no room, or if the save before failed.
        """
        self.wait()
        slices = slices_of(tensors, self._world.rank)
        self._check_room(sum(self._world.gather(sum(part.bytes for part in slices))), step)
        fresh = self.folder / self._world.from_first(folders.fresh_name(step))
        self._on_first(fresh.mkdir)
        job = _Save(step, permanent, fresh, self._staging.copy(slices), documents)
        self._thread = threading.Thread(target=self._run, args=(job,), name=f"save-{step}", daemon=True)
        self._thread.start()

    def fault(self) -> str | None:
        """Why the save in flight has failed; None while nothing is known to be wrong. Never waits."""
        return str(self._fault) if self._fault else None

    def wait(self) -> None:
        """Return when nothing is in flight. Raises what went wrong with it."""
        if self._thread:
            self._thread.join()
            self._thread = None
        if self._fault:
            raise self._fault

    def close(self) -> None:
        """Let the save in flight come to its end; what went wrong with it is not said."""
        if self._thread:
            self._thread.join()

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint that passes its hashes; None for a run that has none yet.

        Damaged ones are named, set aside and passed over. Raises UserError where all of them are damaged: a
        run with steps behind it never begins anew by itself, for that would drop its log.
        """
        faults: list[tuple[Path, str]] = []
        for step in reversed(self._on_first(lambda: folders.finished(self.folder))):
            folder = folders.folder_of(self.folder, step)
            if fault := fault_of(folder, self._world):
                faults.append((folder, fault))
                continue
            found = Checkpoint(folder, step, state_of(folder, self._world))
            for damaged, why in faults:
                self._set_aside(damaged, why)
            return found
        earlier = self._on_first(lambda: folders.set_asides(self.folder))
        if faults or earlier:
            named = [*(f"{folder.name} ({why})" for folder, why in faults), *earlier]
            raise UserError(
                f"{self.folder} holds no checkpoint that is whole: {', '.join(named)}; put a copy of one in "
                "its place, or move these folders away, and the run begins anew."
            )
        return None

    def _set_aside(self, folder: Path, fault: str) -> None:
        aside = self._on_first(functools.partial(folders.set_aside, folder))
        self._warn(
            f"checkpoint {folder} is damaged ({fault}) and set aside as {aside.name}; "
            "the one before it is used."
        )

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        folders.sweep(self.folder)

    def _run(self, job: _Save) -> None:
        """The background's part: write, agree on what was written, publish, prune."""
        try:
            facts = self._agree(lambda: self._write(job))
            files = {name: fact for part in facts for name, fact in part.items()}
            manifest = Manifest(job.step, job.permanent, files)
            self._agree(lambda: self._publish(job.fresh, manifest))
        except Exception as error:  # kept for the training thread, which stops the run with it
            self._fault = error

    def _write(self, job: _Save) -> dict[str, FileFacts]:
        """This rank's files; rank 0 writes the documents too."""
        self._staging.wait()
        rank, size = self._world.rank + 1, self._world.size
        facts = {}
        if job.slices:
            name = f"shard-{rank:05d}-model-{rank:05d}-of-{size:05d}.safetensors"
            facts[name] = write_slices(job.fresh / name, job.slices)
        if self._world.first:
            for name, content in job.documents.items():
                facts[name] = durable.write_json(job.fresh / name, content)
        return facts

    def _publish(self, fresh: Path, manifest: Manifest) -> None:
        if self._world.first:
            folders.publish(fresh, manifest)
            folders.prune(self.folder, self._keep)

    def _agree(self, action: Callable[[], T]) -> list[T]:
        """The results of all ranks, or one error on all: a checkpoint that one rank failed is none."""
        result, reason, mine = None, None, None
        try:
            result = action()
        except Exception as error:
            mine, reason = error, (reason_of(error), isinstance(error, OSError))
        parts: list[Any] = [None] * self._world.size
        dist.all_gather_object(parts, (result, reason), group=self._group)
        for rank, (_, fault) in enumerate(parts):
            if fault:
                words, is_system = fault
                last = folders.finished(self.folder)
                raise (UserError if is_system else RuntimeError)(
                    f"a checkpoint could not be written to {self.folder} (rank {rank}: {words}); "
                    + (f"the last one is step_{last[-1]}. " if last else "there is none. ")
                    + "Put that right and give the same command again."
                ) from mine
        return [value for value, _ in parts]

    def _check_room(self, needed: int, step: int) -> None:
        free = self._on_first(lambda: shutil.disk_usage(self.folder).free)
        if free < needed + _SPARE:
            last = folders.finished(self.folder)
            raise UserError(
                f"the disk of {self.folder} has {free / 2**20:,.0f} MiB free and the checkpoint of step "
                f"{step} takes {(needed + _SPARE) / 2**20:,.0f}; "
                + (f"the run stops, step_{last[-1]} is intact. " if last else "the run stops without one. ")
                + "Make room, or lower checkpoint.keep, and give the same command again."
            )

    def _on_first(self, action: Callable[[], T]) -> T:
        """Do something on rank 0; its value, or its OSError as a UserError, on every rank."""
        outcome: tuple[T | None, str | None] = (None, None)
        if self._world.first:
            try:
                outcome = (action(), None)
            except OSError as error:
                outcome = (None, f"{self.folder} cannot be used for checkpoints: {reason_of(error)}.")
        value, fault = self._world.from_first(outcome)
        if fault:
            raise UserError(fault)
        return value  # type: ignore[return-value]
