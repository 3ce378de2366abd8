"""Look once, or again and again until the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console
from rich.live import Live

from corpus.engine import storage
from corpus.status.config import StatusConfig
from corpus.status.look import Looker
from corpus.status.parts import RUNNING, Status
from corpus.status.show import drawn, plain
from corpus.status.web import page

RELOAD = 10.0  # seconds between two loads of a page whose job looked only once


class Watcher:
    """Shows the status; `exit_code` then tells scripts: 0 finished, 3 failed or stopped, 4 at work."""

    def __init__(self, stream: TextIO | None = None, sleep: Callable[[float], object] = time.sleep) -> None:
        self.exit_code = 0
        self._stream, self._sleep = stream or sys.stdout, sleep

    def run(self, config: StatusConfig) -> None:
        """Look, show and write until the work ends, or once where `watch` is 0."""
        looker = Looker(config)
        status = self._look(looker, config)
        console = Console(file=self._stream)
        if not console.is_terminal:
            self._print(status)
            while config.watch and status.state == RUNNING:
                self._sleep(config.watch)
                status = self._look(looker, config)
                self._print(status)
        elif not config.watch:
            console.print(drawn(status))
        else:
            with Live(drawn(status), console=console, auto_refresh=False) as live:
                while status.state == RUNNING:
                    self._sleep(config.watch)
                    status = self._look(looker, config)
                    live.update(drawn(status), refresh=True)

    def _look(self, looker: Looker, config: StatusConfig) -> Status:
        status = looker.look()
        self.exit_code = status.exit_code
        if config.html:
            shown = page(status, config.watch or RELOAD)
            storage.write_bytes(config.html, shown.encode("utf-8", "backslashreplace"))
        return status

    def _print(self, status: Status) -> None:
        print(plain(status), file=self._stream, flush=True)


def plan(config: StatusConfig) -> str:
    """What --dry-run prints."""
    lines = [f"would look at {storage.redact(config.folder)} and wait for {', '.join(config.expected)}"]
    if config.html:
        lines.append(f"would write {storage.redact(config.html)}")
    return "\n".join(lines)
