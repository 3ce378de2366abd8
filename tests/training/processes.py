"""Real processes for tests, forked from a server that has torch loaded, so that one costs a fraction of a second.

They may die by SIGKILL at a chosen call that changes the disk. The interpreter's profiling hook sees every C
function that a thread calls, before and after it: nothing of the trainer is replaced, and a write point that is
added later is found by itself.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess as Process
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from training.checkpoints.store import CheckpointStore
from training.parallel import join_world

CHANGES = {"open", "write", "writelines", "flush", "fsync", "mkdir", "rename", "replace", "rmdir", "unlink"}
WATCHED = ("/training/", "/shutil.py", "/pathlib.py")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, "training.run", "transformers.models.llama.modeling_llama"])


def run(target: Callable[..., None], *arguments: Any, timeout: float = 120) -> int:
    """Run in a process of its own; returns the exit code, which is -9 after SIGKILL."""
    return ended(start(target, *arguments), timeout)


def start(target: Callable[..., None], *arguments: Any) -> Process:
    process = _FORKS.Process(target=target, args=arguments)
    process.start()
    return process


def ended(process: Process, timeout: float = 120) -> int:
    """The exit code, once there is one. A process that hangs is killed, and TimeoutError raised."""
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{process.name} hangs")
    return process.exitcode


class WritePoints:
    """Counts the calls that change the disk, and dies at one of them, just before it or just behind it."""

    def __init__(self, fatal: int | None = None, trace: Path | None = None) -> None:
        self.seen, self.fatal, self.trace = 0, fatal, trace
        self._lock = threading.Lock()

    def watch(self) -> None:
        threading.setprofile(self._hook)
        sys.setprofile(self._hook)

    def _hook(self, frame: FrameType, event: str, called: Any) -> None:
        if event not in ("c_call", "c_return") or getattr(called, "__name__", "") not in CHANGES:
            return
        if not any(part in frame.f_code.co_filename for part in WATCHED):
            return
        with self._lock:
            self.seen += 1
            if self.trace:
                handle = os.open(self.trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                os.write(handle, f"{event} {called.__name__}\n".encode())
                os.close(handle)
            if self.seen == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)


def points_of(trace: Path) -> list[str]:
    return trace.read_text("utf-8").splitlines()


def tensors_of(step: int) -> dict[str, Tensor]:
    return {"weight": torch.full((40, 3), float(step)), "moments": torch.full((7,), step, dtype=torch.uint8)}


def two_saves(folder: str, fatal: int | None, trace: str | None) -> None:
    """Save steps 1, 2 and 3, keeping two, and die in the third save or in the removal of the first."""
    with join_world("cpu") as world:
        store = CheckpointStore(Path(folder), world, 2, print)
        for step in (1, 2, 3):
            store.wait()
            if step == 3:
                WritePoints(fatal, Path(trace) if trace else None).watch()
            store.save(step, tensors_of(step), {"state.json": {"step": step}})
        store.wait()
    os._exit(0)


def wait_for_steps(output: Path, count: int, process: Process) -> None:
    """Return once the log has so many steps."""
    log, deadline = output / "metrics.jsonl", time.monotonic() + 120
    while not (log.exists() and log.read_bytes().count(b'"event": "step"') >= count):
        assert process.is_alive() and time.monotonic() < deadline
        time.sleep(0.005)


def train(arguments: list[str], fatal: int | None = None, trace: str | None = None) -> None:
    """A whole run of the trainer; dies at a write point of checkpoints, log, records or export."""
    from training.run import main

    torch.set_num_threads(1)
    if fatal or trace:
        WritePoints(fatal, Path(trace) if trace else None).watch()
    os._exit(main(arguments))


def stopped_at(arguments: list[str], function: str) -> None:
    """The command as users start it, sent SIGTERM by itself when it first enters a function of that name.

    Ends with 99 where the command would leave through the interpreter's shutdown, which torch's threads race.
    """

    def hook(frame: FrameType, event: str, _called: Any) -> None:
        if event == "call" and frame.f_code.co_name == function and "/training/" in frame.f_code.co_filename:
            sys.setprofile(None)
            os.kill(os.getpid(), signal.SIGTERM)

    torch.set_num_threads(1)
    sys.argv = ["training/run.py", *arguments]
    sys.setprofile(hook)
    try:
        runpy.run_module("training.run", run_name="__main__")
    finally:
        os._exit(99)
