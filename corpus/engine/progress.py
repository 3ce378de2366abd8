"""Progress for people: a live bar on a terminal, one line per interval in a log file."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Progress:
    """`with Progress("filter") as p: p.update(done, total, "note")`. Never raises for display's sake."""

    def __init__(self, title: str, *, interval: float = 10.0, stream: TextIO | None = None) -> None:
        self.title, self.interval = title, interval
        self.stream = stream or sys.stderr
        self._started = self._last = time.monotonic()
        self._bar: Bar | None = None

    def __enter__(self) -> Progress:
        if self.stream.isatty():
            label = TextColumn("{task.description}", markup=False)  # notes may hold data
            columns = (label, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Bar(*columns, console=Console(file=self.stream), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, done: int, total: int, note: str = "") -> None:
        if self._bar:
            text = f"{self.title} {note}".strip()
            self._bar.update(self._task, completed=done, total=total, description=text)
            return
        now = time.monotonic()
        if now - self._last >= self.interval:
            self._last = now
            seconds = now - self._started
            line = f"{self.title}: {done:,} of {total:,} after {seconds:.0f} s {note}".rstrip()
            with contextlib.suppress(OSError, ValueError):  # a closed pipe is no reason to lose a run
                print(line, file=self.stream, flush=True)
