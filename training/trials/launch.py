"""Runs of training/run.py, each in a folder of its own; the same call goes on where the last one ended."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from corpus.engine.errors import EXIT_DATA, EXIT_USER, ForgeError
from training.run_folder import LOCK

RUN = Path(__file__).resolve().parents[1] / "run.py"
EXIT_REQUEUE = 75  # the trainer's own: stopped by a signal with a checkpoint
_POLL = 2.0  # seconds between two looks at a run that an earlier call has left at work


class RunError(ForgeError):
    """A run ended before its end; the exit code is the trainer's own."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code if code in (EXIT_USER, EXIT_DATA, EXIT_REQUEUE) else 1


@dataclass(frozen=True)
class Trial:
    """One run: the words of its command line behind `training/run.py`, the same to start and to resume."""

    name: str
    folder: Path
    words: tuple[str, ...]

    def command(self, launcher: Sequence[str] = ()) -> list[str]:
        return [*(launcher or [sys.executable]), str(RUN), *self.words]

    @property
    def finished(self) -> bool:
        return (self.folder / "export" / "config.json").is_file()


def train_all(
    trials: Sequence[Trial],
    done: Callable[[Trial], None],
    *,
    launcher: Sequence[str] = (),
    parallel: int = 1,
    keep: bool = False,
) -> None:
    """Run all to their ends, `parallel` at a time; `done` is called for each in this thread as it ends.

    Without `keep` a finished run leaves its export and no checkpoints, which are several times as large.
    Each run's output goes to train.log in its folder. The first that fails stops what is not started yet and
    raises RunError when those beside it have ended. SIGTERM and SIGINT reach the runs, which save and stop.
    """
    with _Processes() as processes, ThreadPoolExecutor(parallel) as pool:
        threads = max(1, (os.cpu_count() or 1) // parallel)
        environment = {"OMP_NUM_THREADS": str(threads)} if parallel > 1 else {}
        ahead = iter(trials)
        at_work: dict[Future[None], Trial] = {}
        failed: BaseException | None = None
        while True:
            while failed is None and not processes.stopping and len(at_work) < parallel:
                if (trial := next(ahead, None)) is None:
                    break
                future = pool.submit(processes.run, trial, trial.command(launcher), environment)
                at_work[future] = trial
            if not at_work:
                break
            for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                trial = at_work.pop(future)
                if error := future.exception():
                    failed = failed or error
                elif failed is None:
                    if not keep:
                        shutil.rmtree(trial.folder / "checkpoints", ignore_errors=True)
                    done(trial)
        if failed is not None:
            raise failed
        if processes.stopping:
            raise RunError("stopped by a signal; the same command goes on.", EXIT_REQUEUE)


class _Processes:
    """The runs at work, so that a signal to this process reaches them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work: set[subprocess.Popen[bytes]] = set()
        self._before: dict[signal.Signals, object] = {}
        self.stopping = False

    def __enter__(self) -> _Processes:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def run(self, trial: Trial, command: Sequence[str], environment: Mapping[str, str]) -> None:
        trial.folder.mkdir(parents=True, exist_ok=True)
        _wait_for_earlier(trial.folder, lambda: self.stopping)
        if self.stopping or trial.finished:
            return
        with open(trial.folder / "train.log", "a", encoding="utf-8") as log, self._lock:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,  # so that Ctrl-C reaches it once, from here
            )
            self._at_work.add(process)
        if self.stopping:  # the signal came while it was started
            process.terminate()
        code = process.wait()
        with self._lock:
            self._at_work.discard(process)
        if code:
            said = (trial.folder / "train.log").read_text("utf-8", errors="replace").strip().splitlines()
            raise RunError(f"the run {trial.name} ended with code {code}: {' '.join(said[-1:])}", code)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True
        for process in list(self._at_work):
            with suppress(ProcessLookupError):
                process.terminate()


def _wait_for_earlier(folder: Path, given_up: Callable[[], bool]) -> None:
    """A killed call leaves its runs at work; a folder takes one launch at a time, so they are waited for."""
    while _is_held(folder / LOCK) and not given_up():
        time.sleep(_POLL)


def _is_held(lock: Path) -> bool:
    with _opened(lock) as handle:
        if handle is None:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a file system without locks
            return False
        return False


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)
