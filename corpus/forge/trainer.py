"""Training as the road runs it: a process per recipe, without Spark, each from the export of the last."""

from __future__ import annotations

import ctypes
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from corpus.engine import storage
from corpus.engine.errors import EXIT_DATA, EXIT_USER, ForgeError, UserError
from corpus.engine.session import stop_session
from corpus.forge.config import ForgeConfig, Workspace

REPOSITORY = Path(__file__).resolve().parents[2]
EXIT_STOPPED = 75  # the trainer saved a checkpoint on SIGTERM; the same command goes on
_PR_SET_PDEATHSIG = 1


class TrainingError(ForgeError):
    """Training ended before its end; the exit code is the trainer's own."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code if code in (EXIT_USER, EXIT_DATA, EXIT_STOPPED) else 1


def train(config: ForgeConfig, space: Workspace) -> str:
    """Run the recipes in order; run N reads the set stageN. Raises TrainingError with the trainer's code."""
    stop_session()  # gives the JVM's memory back before training starts
    model, lines = from_repository(config.model), []
    overrides = [f"{key}={value}" for key, value in config.set.get("train", {}).items()]
    for number, recipe in enumerate(config.training, start=1):
        output = storage.join(space["train"], f"stage{number}")
        data = storage.join(space["shard"], f"stage{number}")
        words = ["--config", from_repository(recipe), f"data={data}", f"model={model}", f"output={output}"]
        launcher = shlex.split(config.launcher) or [sys.executable]
        code = supervise([*launcher, from_repository("training/run.py"), *words, *overrides])
        if code != 0:
            raise TrainingError(f"training with {recipe} ended with code {code}; its words are above.", code)
        model = storage.join(output, "export")
        lines.append(f"train: {output} (model in {model})")
    return "\n".join(lines)


def supervise(command: Sequence[str]) -> int:
    """Run a command to its end. It is told when this process is, and does not outlive it."""
    try:
        process = subprocess.Popen(command, preexec_fn=_end_with_parent)  # noqa: PLW1509
    except OSError as error:
        raise UserError(f"cannot start '{command[0]}': {error.strerror}; check launcher=.") from error
    previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGTERM, previous)


def from_repository(path: str) -> str:
    """A path of the repository's own files, from whichever folder the command is given."""
    return path if storage.exists(path) or not (REPOSITORY / path).exists() else str(REPOSITORY / path)


def _end_with_parent() -> None:
    """If the road is killed, the kernel sends SIGTERM: the trainer saves and ends, and is no orphan."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
