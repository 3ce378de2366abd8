"""What each round brought, as data and as a table, and when it is enough."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from corpus.engine import storage

HISTORY = "history.json"
_COLUMNS = (
    ("round", "round"),
    ("pages", "pages"),
    ("collected", "collected"),
    ("new_pages", "new"),
    ("sites", "sites"),
    ("new_sites", "new sites"),
    ("accepted", "accepted"),
    ("rejected", "rejected"),
    ("positives", "positives"),
    ("missed", "of them missed"),
    ("recall_vetted", "recall, vetted"),
    ("precision_sample", "sample"),
    ("precision", "precision"),
)


@dataclass(frozen=True)
class Measured:
    """What a round's scores say, before its review.

    Collected are the pages over the threshold and those under prefixes accepted in earlier rounds; new ones
    were not collected in the round before. `recall_before`: share of the pages under these prefixes that the
    classifier itself keeps, null where there are none.
    """

    pages: int
    hits: int
    collected: int
    new_pages: int
    sites: int
    new_sites: int
    recall_before: float | None

    @property
    def new_share(self) -> float:
        return self.new_pages / self.collected if self.collected else 0.0

    @property
    def new_site_share(self) -> float:
        return self.new_sites / self.sites if self.sites else 0.0


@dataclass(frozen=True)
class Gathered:
    """What a round's review brought.

    `recall_vetted` is the share of the pages under all accepted prefixes, those of this round among them,
    that the round's classifier keeps; `recall_new` of those that were accepted in this round, which it never
    learnt from.
    """

    accepted: int
    rejected: int
    positives: int
    negatives: int
    missed: int
    recall_vetted: float | None
    recall_new: float | None
    precision_sample: int
    precision: float | None


def enough(measured: Measured, number: int, *, pages: float, sites: float) -> bool:
    """Whether a round brought almost nothing beyond the one before. The first has none before it."""
    return number > 0 and measured.new_share <= pages and measured.new_site_share <= sites


def row(
    number: int, threshold: float, measured: Measured, gathered: Gathered | None, state: str
) -> dict[str, Any]:
    shares = {"new_share": round(measured.new_share, 6), "new_site_share": round(measured.new_site_share, 6)}
    found: dict[str, Any] = {
        "round": number,
        "state": state,
        "threshold": threshold,
        **asdict(measured),
        **shares,
    }
    return {**found, **(asdict(gathered) if gathered else {})}


def write_history(folder: str, rows: Sequence[dict[str, Any]]) -> None:
    write_if_new(storage.join(folder, HISTORY), json.dumps(list(rows), indent=1).encode() + b"\n")


def write_if_new(path: str, data: bytes) -> None:
    """Write a file unless it holds that already: inputs are told apart by their times, too."""
    if not storage.exists(path) or storage.read_bytes(path) != data:
        storage.write_bytes(path, data)


def table(rows: Sequence[dict[str, Any]]) -> str:
    cells = [[title for _, title in _COLUMNS]]
    cells += [[_shown(entry.get(name)) for name, _ in _COLUMNS] for entry in rows]
    widths = [max(len(line[n]) for line in cells) for n in range(len(_COLUMNS))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in cells)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
