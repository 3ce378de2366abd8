"""The last step of the cascade: a second, dearer scorer for the few pages that all others let through."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

SECOND = "second_score"  # the name of the step, of its column and of its reason


class Closer(Protocol):
    """What the cascade needs of the second scorer: each page's score, and whether both scores keep it."""

    def judge(
        self, texts: Sequence[str], titles: Sequence[str], urls: Sequence[str], first: Sequence[float]
    ) -> list[tuple[float, bool]]: ...


class Look(NamedTuple):
    """`seconds` is the CPU time that a page's share of the work took."""

    score: float
    keep: bool
    seconds: float


def look_closer(closer: Closer, pages: Sequence[dict[str, Any]], urls: Sequence[str]) -> list[Look]:
    """What the second scorer says of pages, given the columns that the other steps made, in their order."""
    before = time.process_time()
    texts, titles, first = ([page[name] for page in pages] for name in ("text", "title", "agent_score"))
    found = closer.judge(texts, titles, urls, first)
    share = (time.process_time() - before) / max(len(pages), 1)
    return [Look(score, keep, share) for score, keep in found]
