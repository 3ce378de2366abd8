"""The conservation law: every record that came in is kept, dropped with a reason, or failed with a reason.

Counts are taken from committed rows. Spark's accumulators count a retried task twice and are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.engine.errors import DataError, ForgeError

KEPT, DROPPED, FAILED = "kept", "dropped", "failed"
OUTCOMES = (KEPT, DROPPED, FAILED)


@dataclass(frozen=True, order=True)
class Count:
    """Rows of one stage's ledger with the same outcome and reason."""

    outcome: str
    reason: str
    rows: int


class ConservationError(ForgeError):
    """The stage's own counts do not add up. A fault of the program: nothing is published."""


def total(counts: Sequence[Count], outcome: str | None = None) -> int:
    return sum(count.rows for count in counts if outcome in (None, count.outcome))


def check_conservation(stage: str, records_in: int, counts: Sequence[Count], kept_rows: int) -> None:
    """Raise ConservationError unless in = kept + dropped + failed, and the kept table has the kept rows."""
    strangers = {count.outcome for count in counts} - set(OUTCOMES)
    if strangers:
        raise ConservationError(
            f"{stage}: the ledger holds unknown outcomes: {', '.join(sorted(strangers))}."
        )
    if total(counts) != records_in:
        rows = total(counts)
        raise ConservationError(f"{stage}: {records_in:,} records came in, but the ledger has {rows:,} rows.")
    if total(counts, KEPT) != kept_rows:
        kept = total(counts, KEPT)
        raise ConservationError(
            f"{stage}: the ledger keeps {kept:,} records, but the table has {kept_rows:,} rows."
        )


def check_limits(stage: str, counts: Sequence[Count], max_failed_fraction: float) -> None:
    """Raise DataError if too large a share failed, or if nothing at all was kept."""
    failed, everything = total(counts, FAILED), total(counts)
    if everything and failed / everything > max_failed_fraction:
        worst = max((c for c in counts if c.outcome == FAILED), key=lambda c: c.rows)
        raise DataError(
            f"{stage}: {failed:,} of {everything:,} records failed, most of them with '{worst.reason}'; that "
            f"is more than max_failed_fraction={max_failed_fraction:g}. "
            "The ledger names them; raise the limit to accept."
        )
    if not total(counts, KEPT):
        reasons = [c for c in counts if c.outcome != KEPT]
        why = f", most were dropped for '{max(reasons, key=lambda c: c.rows).reason}'" if reasons else ""
        raise DataError(
            f"{stage}: nothing was kept of {everything:,} records{why}. An empty output is no success."
        )


def funnel(records_in: int, counts: Sequence[Count]) -> str:
    """A short table for the terminal: what came in, what was kept, and why the rest was not."""
    rows = [("records in", "", records_in)]
    ordered = sorted(counts, key=lambda c: (OUTCOMES.index(c.outcome), -c.rows, c.reason))
    rows += [(count.outcome, count.reason, count.rows) for count in ordered]
    width = max(len(reason) for _, reason, _ in rows)
    share = 100 / max(records_in, 1)
    return "\n".join(f"  {name:<10} {why:<{width}} {n:>12,} {n * share:6.2f} %" for name, why, n in rows)
