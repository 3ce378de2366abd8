"""How a page goes through the steps of the cascade: what it carries, who is asked, what it costs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from corpus.crawl.rules.policy import Statements
from corpus.crawl.warc.records import Record

_NO_PAGE = frozenset({"undecodable", "empty"})  # reasons behind which no later step has anything to look at


@dataclass
class Candidate:
    """A page on its way through the cascade, and what the steps found. `columns` are those of a kept page."""

    record: Record
    html: str = ""
    light: str = ""
    text: str = ""
    prefilter_score: float | None = None
    light_score: float | None = None
    agent_score: float | None = None
    said: Statements | None = None
    columns: dict[str, Any] = field(default_factory=dict)


class Step(Protocol):
    """`threshold` is the score from which pages pass; None where the step compares no score, or is off."""

    name: str
    threshold: float | None

    def __call__(self, page: Candidate) -> str:
        """Why the page is not wanted; empty where it goes on."""


@runtime_checkable
class Foresighted(Protocol):
    """A step that works on many pages at once for less than on one after the other."""

    def prepare(self, pages: Sequence[Candidate]) -> None:
        """Note on the pages what the step is going to need when it is asked of each."""


@dataclass
class Meter:
    """What a step has cost (CPU seconds) and how many pages it let through."""

    pages_in: int = 0
    pages_out: int = 0
    seconds: float = 0.0

    def add(self, seconds: float, *, passed: bool) -> None:
        self.pages_in += 1
        self.pages_out += passed
        self.seconds += seconds

    def include(self, other: Meter) -> None:
        self.pages_in += other.pages_in
        self.pages_out += other.pages_out
        self.seconds += other.seconds


@dataclass(frozen=True)
class Passage:
    """What one page met: the CPU seconds of each step it came to, and the reasons that were given.

    `reasons` has more than one entry only where all steps were asked, whatever those before had said.
    """

    spent: tuple[tuple[str, float], ...]
    reasons: tuple[tuple[str, str], ...]

    @property
    def reason(self) -> str:
        return self.reasons[0][1] if self.reasons else ""


def walk(steps: Iterable[Step], page: Candidate, *, exhaustive: bool = False) -> Passage:
    """Ask the steps in order until one gives a reason; with `exhaustive`, all that can look at anything."""
    spent: list[tuple[str, float]] = []
    reasons: list[tuple[str, str]] = []
    before = time.process_time()
    for step in steps:
        reason = step(page)
        now = time.process_time()
        spent.append((step.name, now - before))
        before = now
        if reason:
            reasons.append((step.name, reason))
            if not exhaustive or reason in _NO_PAGE:
                break
    return Passage(tuple(spent), tuple(reasons))


def walk_together(
    steps: Iterable[Step], pages: Sequence[Candidate], *, exhaustive: bool = False
) -> list[Passage]:
    """The passages of pages that go through the steps side by side, in their order.

    What a step does for all of them at once is shared out among them evenly.
    """
    spent: list[list[tuple[str, float]]] = [[] for _ in pages]
    reasons: list[list[tuple[str, str]]] = [[] for _ in pages]
    left = list(range(len(pages)))
    for step in steps:
        before, share = time.process_time(), 0.0
        if left and isinstance(step, Foresighted):
            step.prepare([pages[number] for number in left])
            now = time.process_time()
            before, share = now, (now - before) / len(left)
        waiting, left = left, []
        for number in waiting:
            reason = step(pages[number])
            now = time.process_time()
            spent[number].append((step.name, now - before + share))
            before = now
            if reason:
                reasons[number].append((step.name, reason))
            if not reason or (exhaustive and reason not in _NO_PAGE):
                left.append(number)
    return [Passage(tuple(times), tuple(why)) for times, why in zip(spent, reasons)]
