"""What was measured, as text for the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

HEAD = ("on sites held out", "to reach", "classifier", "match", "both")


def summary(facts: Mapping[str, Any]) -> str:
    """Targets and weights of a finished run, and sources that find no like. Empty if nothing was measured."""
    lines = []
    found = facts.get("evaluation")
    if found:
        rows = [HEAD]
        for row in found["targets"]:
            better = "" if row["better_than_classifier"] else " (no better)"
            both = _number(row["combined"]) + better
            rows.append(
                (
                    row["name"],
                    _number(row["to_reach"]),
                    _number(row["classifier"]),
                    _number(row["match"]),
                    both,
                )
            )
        lines += [_text(rows), f"weights: {json.dumps(found['weights'])}"]
    rule = facts.get("rule", {})
    if rule.get("thresholds"):
        lines.append(f"thresholds: {json.dumps(rule['thresholds'])}")
    alone = [row["source"] for row in facts.get("sources_left_out", ()) if row.get("reached") is False]
    if alone:
        lines.append(f"seed sources that find no like in the others: {', '.join(alone)}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _text(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "\n".join(
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )
