"""What a rule finds, and what it may look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from corpus.report.warnings.limits import Limits

Stats = Mapping[str, Any]
PROBLEM, CAUTION = "problem", "caution"  # a result is wrong or lost; a result is to be taken with care


@dataclass(frozen=True)
class Finding:
    """A sentence for the reader.

    `where` is the name of the section to look at, `table` that of the table there (empty: none), and `weight`
    (0 to 1) how much of the corpus or of a result it touches, by which equal levels are ordered.
    """

    level: str
    text: str
    where: str
    table: str = ""
    weight: float = 0.0

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Facts:
    """All that rules look at: the numbers of stats.json, the limits, what was asked for, an earlier run."""

    stats: Stats
    limits: Limits = field(default_factory=Limits)
    languages: Sequence[str] = ()  # that pages may be in; none: all
    earlier: Stats | None = None


Found = Iterator[Finding]
Rule = Callable[[Facts], Found]


def said(names: Sequence[str], most: int = 4) -> str:
    """Names for a sentence; breaks and tabs in them, which may come from data, as single spaces."""
    shown = [_short(re.sub(r"[^\S\u00a0\u202f]+", " ", str(name))) for name in names[:most]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def _short(name: str, most: int = 80) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
