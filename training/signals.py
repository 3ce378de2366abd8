"""Signals that ask a run to stop: it ends its step, saves, and exits with a code to be queued again by.

Before its first step it has nothing to save and just leaves; an export is brought to its end.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_REQUEUE = 75  # sysexits' EX_TEMPFAIL: stopped by a signal with a checkpoint; the same command goes on
STOP_SIGNALS = (
    signal.SIGTERM,
    signal.SIGUSR1,
)  # the second is what SLURM is asked to send before a time limit


class Stop:
    """Whether this process has been asked to stop. Ranks may be asked at different times: ask them all."""

    asked = False


@contextmanager
def heeded() -> Iterator[Stop]:
    """While the block runs, a stop signal sets `asked` and does nothing else."""
    stop = Stop()

    def hear(_number: int, _frame: FrameType | None) -> None:
        stop.asked = True

    before = {number: signal.signal(number, hear) for number in STOP_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
