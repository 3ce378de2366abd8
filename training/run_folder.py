"""The output folder of a run: held by one launch at a time, with a record of the run that it belongs to.

`.lock` is locked for as long as a launch is at work: the kernel unlocks it when the process ends, however it
ends. `config.yaml` and `run.json` hold the resolved config, and the fingerprint and code of the run's start.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus.engine.config import to_yaml
from corpus.engine.errors import UserError
from corpus.engine.manifest import versions
from corpus.engine.storage import reason_of
from training.config import TrainConfig
from training.parallel import World
from training.plan import check_fingerprint

LOCK, CONFIG, RECORD = ".lock", "config.yaml", "run.json"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def held(folder: Path, world: World, say: Callable[[str], None]) -> Iterator[None]:
    """Make the folder and hold it. Collective.

    Raises UserError on all ranks if it cannot be made, another launch holds it, or not all hosts share it.
    """
    handle, fault = None, None
    if world.first:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            fault = _lock(handle, folder, say)
        except OSError as error:
            fault = f"output={folder} cannot be written: {reason_of(error)}; give another folder."
    try:
        _raise_together(fault, world)
        _check_shared(folder, world)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def begin(folder: Path, config: TrainConfig, fingerprint: Mapping[str, Any]) -> None:
    """Record the run that now begins in the folder."""
    _write(folder / CONFIG, to_yaml(config))
    record = {"fingerprint": fingerprint, "versions": versions(), "commit": _commit()}
    _write(folder / RECORD, json.dumps(record, indent=1) + "\n")


def has_begun(folder: Path) -> bool:
    return (folder / RECORD).is_file()


def check_same_run(folder: Path, fingerprint: Mapping[str, Any], world: World) -> None:
    """Raises UserError on all ranks if the folder is not that of a run with this fingerprint. Collective."""
    fault = None
    if world.first:
        try:
            check_fingerprint(folder, _recorded(folder), fingerprint)
        except UserError as error:
            fault = str(error)
    _raise_together(fault, world)


def _recorded(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / RECORD).read_text("utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder} holds an export but no readable {RECORD} that says what made it; "
            "give another output=, or remove the folder."
        ) from error


def _check_shared(folder: Path, world: World) -> None:
    """Raises UserError where a rank does not see what rank 0 writes: checkpoints need one folder for all."""
    probe = world.from_first(f".shared-{os.urandom(4).hex()}")
    if world.first:
        (folder / probe).touch()
    world.barrier()
    seen = world.gather((folder / probe).exists())
    if world.first:
        (folder / probe).unlink()
    if not all(seen):
        raise UserError(
            f"output={folder} is not one folder for all hosts (rank {seen.index(False)} does not see it); "
            "give a folder on a shared file system."
        )


def _commit() -> str | None:
    """The commit of this code where it is a checkout, with `-dirty` behind it if files were changed."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def _lock(handle: int, folder: Path, say: Callable[[str], None]) -> str | None:
    """Take the lock; returns a sentence if another process has it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return f"another launch is at work in {folder}; wait for its end, stop it, or give another output=."
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        say(f"{folder} is on a file system without locks; see that no second launch writes to it.")
    return None


def _raise_together(fault: str | None, world: World) -> None:
    """Raise the fault that rank 0 found on every rank, so that none waits for the others."""
    agreed = world.from_first(fault)
    if agreed:
        raise UserError(agreed)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
