"""The targets of the classifier and what was measured, as one table of plain text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from corpus.relevance.second.training import BOTH, FIRST

HEAD = ("on sites held out from training", "first trial", "to reach", "measured")


def summary(facts: Mapping[str, Any]) -> str:
    """The table of a finished run, and below it the figures of each scorer. Empty without labels."""
    if not facts.get("scorers"):
        return ""
    return f"{_text([HEAD, *facts['targets']])}\n\n{_text(_quality(facts['scorers']))}"


def targets(scorers: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Rows of HEAD. All scorers are the last there is: with both, the joint one."""
    first, last = scorers[FIRST], scorers.get(BOTH, scorers[FIRST])
    by_site, read = last.get("by_site_labels", {}), last.get("read", {})
    alone = first.get("by_site_labels", {})
    worst = by_site.get("worst_site")
    at_site = f"{worst['recall']:.2f} ({worst['site']}, {worst['pages']} pages)" if worst else "-"
    return [
        (
            "labels by site: recall at 0.1 %, 1 % false positives, fastText",
            "0.69, 0.78",
            "0.85, 0.92",
            _at(alone, "0.001", "0.01"),
        ),
        ("the same, all scorers", "", "0.90, 0.96", _at(by_site, "0.001", "0.01")),
        ("the same, corrected by the pages read", "", "", _at(last, "0.001", "0.01")),
        ("labels by site: worst site with 20 wanted pages", "0.0", "0.60", at_site),
        ("pages read one by one: AUC", "0.91", "0.97", _number(read.get("auc"))),
        (
            "the same: recall at 1 %, 10 % false positives",
            "0.42, 0.76",
            "0.75, 0.92",
            _at(read, "0.01", "0.1"),
        ),
        (
            "stubs among them kept, where 1 % of the negatives pass",
            "0.30",
            "0.10",
            _number(read.get("stubs_kept")),
        ),
        ("wanted pages in other languages than English kept", "", "", _other_languages(last)),
        ("fastText scoring, pages/s per core, features included", "", "5,000", "see make bench"),
    ]


def _other_languages(figures: Mapping[str, Any]) -> str:
    rows = [row for row in figures.get("by_language", ()) if row["name"] != "en" and row["agent_pages"]]
    pages = sum(row["agent_pages"] for row in rows)
    if not pages:
        return "-"
    kept = sum(row["agent_pages"] * row["recall"] for row in rows)
    return f"{kept / pages:.2f} ({pages} pages)"


def _quality(scorers: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The paper's table 6 for each scorer at its own threshold."""
    columns = {
        "accuracy": "accuracy",
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "false_positive_rate": "FPR",
        "macro_recall": "macro recall",
        "auc": "AUC",
    }
    rows: list[tuple[str, ...]] = [("at the threshold", *columns.values(), "precision on the web")]
    for name, figures in scorers.items():
        web = figures["precision_at_prevalence"]["precision"]
        rows.append((name, *(_number(figures.get(key), 3) for key in columns), _number(web, 3)))
    return rows


def _at(figures: Mapping[str, Any], *rates: str) -> str:
    found = figures.get("recall_at_fpr", {})
    return ", ".join(_number(found.get(rate)) for rate in rates)


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _text(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "\n".join(
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )
