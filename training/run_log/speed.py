"""How fast a run goes: tokens per second, model FLOPs utilisation, waiting for data, memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

SPEED_KEYS = ("tokens_per_second", "mfu", "data_wait", "memory_gib")
"""Keys of a step's row that differ from run to run; all others are promised to repeat."""


@dataclass
class Speed:
    """Rates between two readings. Time that is spent in `apart` does not count as training."""

    tokens_per_step: int
    flops_per_token: float
    peak_flops: float | None  # of all devices together; None leaves MFU out
    device: torch.device

    def __post_init__(self) -> None:
        self._last, self._apart, self._waited, self._steps = time.perf_counter(), 0.0, 0.0, 0

    def step(self) -> None:
        self._steps += 1

    @contextmanager
    def apart(self) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._apart += time.perf_counter() - started

    def read(self, waited: float) -> dict[str, float | None]:
        """The rates since the last reading. `waited`: seconds that the loader was waited for in all."""
        now = time.perf_counter()
        seconds = max(now - self._last - self._apart, 1e-9)
        rate = self._steps * self.tokens_per_step / seconds
        found = {
            "tokens_per_second": round(rate, 1),
            "mfu": round(rate * self.flops_per_token / self.peak_flops, 4) if self.peak_flops else None,
            "data_wait": round(min((waited - self._waited) / seconds, 1.0), 4),
            "memory_gib": round(_peak_memory(self.device) / 2**30, 3),
        }
        self._last, self._apart, self._waited, self._steps = now, 0.0, waited, 0
        return found


def _peak_memory(device: torch.device) -> int:
    """Bytes that this rank has held at most, on its device; on a CPU those of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
