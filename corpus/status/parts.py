"""What is known of one part of a workspace at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FINISHED, RUNNING, STALLED, FAILED, WAITING = "finished", "running", "stalled", "failed", "waiting"
EXIT_OF = {FINISHED: 0, RUNNING: 4, FAILED: 3}  # of the whole, for scripts; 1 and 2 are errors as everywhere


@dataclass(frozen=True)
class Part:
    """`done` of `total` in `unit` (total 0: unknown) at `rate` a second; `left` and `seconds` are seconds.

    `failures` counts failed records by reason; `notes` are sentences for people.
    """

    name: str
    state: str
    done: float = 0
    total: float = 0
    unit: str = ""
    rate: float | None = None
    seconds: float | None = None
    left: float | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None where that is not known."""
        if self.state == FINISHED:
            return 1.0
        return min(self.done / self.total, 1.0) if self.total else None


@dataclass(frozen=True)
class Status:
    """The whole: its parts in the order of the road, and one word and one sentence for all."""

    folder: str
    at: float  # seconds since the epoch
    parts: Sequence[Part]
    state: str  # finished | running | failed
    sentence: str

    @property
    def exit_code(self) -> int:
        return EXIT_OF[self.state]


def time_left(done: float, total: float, rate: float | None) -> float | None:
    """Seconds to the end at this rate; None where it cannot be said."""
    return max(total - done, 0.0) / rate if rate and total else None
