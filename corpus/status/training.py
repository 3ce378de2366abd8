"""A training run at work, from its config.yaml and the rows of its metrics.jsonl."""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from typing import Any

import yaml

from corpus.engine import storage

CONFIG = "config.yaml"
_RECENT = 50  # steps that the rate is the mean of
_BLOCK = 1 << 20


class Run:
    """The log of one run, read on from where the last look ended."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._offset, self._rest = 0, b""
        self.step, self.tokens, self.loss = 0, 0, math.nan
        self.heldout: dict[str, float] = {}
        self.events: Counter[str] = Counter()  # rows of other kinds, such as spikes
        self.skipped, self.resumed = 0, 0
        self._rates: deque[float] = deque(maxlen=_RECENT)

    def look(self, path: str, size: int) -> None:
        """Read what was added. A log that became shorter was cut at a checkpoint, and is read anew.

        A log that is cut and grows beyond its old length between two looks goes unnoticed; the rows behind
        the cut are then those of the same steps, and only the event counts could be too high.
        """
        if size < self._offset:
            self._forget()
        with storage.open_input(path) as stream:
            stream.seek(self._offset)
            while block := stream.read(_BLOCK):
                self._offset += len(block)
                *lines, self._rest = (self._rest + block).split(b"\n")
                for line in lines:
                    self._take(line)

    @property
    def rate(self) -> float | None:
        """Tokens a second of the newest steps."""
        known = [rate for rate in self._rates if math.isfinite(rate) and rate > 0]
        return len(known) / sum(1 / rate for rate in known) if known else None

    def _take(self, line: bytes) -> None:
        try:
            row = json.loads(line)
            event = row.get("event", "step")
            if event == "step":
                self.step, self.tokens = int(row["step"]), int(row["tokens"])
                self.loss = float(row["loss"])
                self._rates.append(float(row.get("tokens_per_second") or 0))
                self.skipped += bool(row.get("skipped"))
            elif event == "eval":
                self.heldout[str(row["source"])] = float(row["loss"])
            elif event == "start":
                self.resumed += bool(row.get("resumed"))
            elif event != "benchmark":
                self.events[str(event)] += 1
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # a torn row, or one of a later version


def budget(path: str) -> tuple[int, int]:
    """Steps and tokens that the run is to make; zeros where its config cannot be read."""
    try:
        data: Any = yaml.safe_load(storage.read_bytes(path))
        tokens, step = int(data["tokens"]), int(data["rows"]) * int(data["length"])
        steps = -(-tokens // step)
        return steps, steps * step
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError, yaml.YAMLError):
        return 0, 0
