"""Where records went: stage by stage, and reason by reason."""

from __future__ import annotations

from typing import Any

from corpus.report.figures import Bar, Part, bars
from corpus.report.grids import grid
from corpus.report.markup import count, percent
from corpus.report.parts import Figure, Section

ROAD = ("pages", "unique", "clean", "matched")  # the stages that crawl pages pass through
OUTCOMES = ("kept", "dropped", "failed")
NAMES = {
    "pages": "filter",
    "unique": "deduplication",
    "clean": "hygiene",
    "matched": "matching",
    "seeds": "seeds",
    "clean_seeds": "hygiene of seeds",
    "classifier": "classifier",
    "shards": "shards",
}


def section(stats: dict[str, Any]) -> Section:
    reasons = grid(
        "funnel",
        "What each stage did with its records, and why; shares are of the stage's own input",
        {
            "stage": ("Stage", "text"),
            "outcome": ("Outcome", "text"),
            "reason": ("Reason", "text"),
            "records": ("Records", "count"),
            "share": ("Share", "percent"),
        },
        [{**row, "stage": NAMES[row["stage"]]} for row in stats["funnel"]],
    )
    lead = (
        "Every record that enters a stage leaves it as kept, dropped with a reason, or failed with a reason. "
        "Counts are taken from committed ledger rows; a stage whose counts do not add up publishes nothing."
    )
    figures = [figure for figure in (_stages(stats), _reasons(stats)) if figure]
    return Section("funnel", "Funnel", lead, figures, (reasons,))


def _stages(stats: dict[str, Any]) -> Figure | None:
    rows = [row for row in stats["stages"] if row["stage"] in ROAD and "records_in" in row]
    if not rows:
        return None
    first = rows[0]["records_in"]
    items = [
        Bar(
            f"{NAMES[row['stage']]}: {count(row['records_in'])} in",
            f"{count(row['kept'])} kept",
            tuple(
                Part(name, row[name], f"{NAMES[row['stage']]}: {count(row[name])} {name}")
                for name in OUTCOMES
            ),
        )
        for row in rows
    ]
    columns = {"stage": ("Stage", "text"), "records_in": ("Records in", "count")}
    columns |= {name: (name.capitalize(), "count") for name in OUTCOMES}
    left = f"{count(rows[-1]['kept'])} are left after {NAMES[rows[-1]['stage']]}"
    answer = f"Of {count(first)} page records, {left}. Unit: records."
    svg = bars(
        items, f"Records kept, dropped and failed by stage. {answer}", [(name, name) for name in OUTCOMES]
    )
    table = grid(
        "stages",
        "Records by stage and outcome",
        columns,
        [{**row, "stage": NAMES[row["stage"]]} for row in rows],
    )
    return Figure("by-stage", "How many pages survive each stage?", answer, svg, table)


def _reasons(stats: dict[str, Any]) -> Figure | None:
    lost = [row for row in stats["funnel"] if row["outcome"] != "kept" and row["stage"] in ROAD]
    lost = sorted(lost, key=lambda row: (-row["records"], row["stage"], row["reason"]))
    if not lost:
        return None
    items = [
        Bar(
            f"{row['reason'].replace('_', ' ')} · {NAMES[row['stage']]}",
            count(row["records"]),
            (
                Part(
                    row["outcome"],
                    row["records"],
                    f"{row['outcome']} for {row['reason']}: {percent(row['share'])}",
                ),
            ),
        )
        for row in lost[:12]
    ]
    worst = lost[0]
    answer = (
        f"The most frequent reason is {worst['reason'].replace('_', ' ')} in {NAMES[worst['stage']]}: "
        f"{percent(worst['share'])} of that stage's records. Unit: records."
    )
    svg = bars(items, f"Records lost by reason. {answer}", [("dropped", "dropped"), ("failed", "failed")])
    columns = {
        "stage": ("Stage", "text"),
        "outcome": ("Outcome", "text"),
        "reason": ("Reason", "text"),
        "records": ("Records", "count"),
    }
    return Figure(
        "by-reason",
        "Why were pages lost?",
        answer,
        svg,
        grid(
            "reasons", "Lost page records", columns, [{**row, "stage": NAMES[row["stage"]]} for row in lost]
        ),
    )
