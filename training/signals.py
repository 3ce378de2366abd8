"""Signals that ask a run to stop: it ends its step, saves, and exits with a code to be queued again by."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_REQUEUE = 75  # sysexits' EX_TEMPFAIL: stopped by a signal with a checkpoint; the same command goes on
STOP_SIGNALS = (
    signal.SIGTERM,
    signal.SIGUSR1,
)  # the second is what SLURM is asked to send before a time limit


@contextmanager
def heeded(stop: Callable[[], None]) -> Iterator[None]:
    """While the block runs, a stop signal calls `stop` and does nothing else."""

    def hear(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, hear) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
