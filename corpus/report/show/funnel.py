"""Where records went: stage by stage, and reason by reason, with examples of each."""

from __future__ import annotations

from typing import Any

from corpus.report.figures.bars import Bar, Part, bars
from corpus.report.grids import Grid, grid
from corpus.report.markup import count, percent
from corpus.report.parts import Figure, Section
from corpus.report.show.names import ROAD, STAGES, reason_of

OUTCOMES = ("kept", "dropped", "failed")
_MOST = 12


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
        [{**row, "stage": STAGES[row["stage"]]} for row in stats["funnel"]],
    )
    lead = (
        "Every record that enters a stage leaves it as kept, dropped with a reason, or failed with a reason. "
        "Counts are taken from committed ledger rows; a stage whose counts do not add up publishes nothing."
    )
    figures = [figure for figure in (_stages(stats), _reasons(stats)) if figure]
    tables = [table for table in (_examples(stats), reasons) if table.rows]
    return Section("funnel", "What was dropped, and why", lead, figures, tables)


def _stages(stats: dict[str, Any]) -> Figure | None:
    rows = [row for row in stats["stages"] if row["stage"] in ROAD and "records_in" in row]
    if not rows:
        return None
    items = [
        Bar(
            f"{STAGES[row['stage']]}: {count(row['records_in'])} in",
            f"{count(row['kept'])} kept · {percent(row['kept_share'])}",
            [
                Part(name, row[name], f"{STAGES[row['stage']]}: {count(row[name])} {name}", name)
                for name in OUTCOMES
            ],
        )
        for row in rows
    ]
    columns = {"stage": ("Stage", "text"), "records_in": ("Records in", "count")}
    columns |= {name: (name.capitalize(), "count") for name in OUTCOMES}
    answer = (
        f"Of {count(rows[0]['records_in'])} page records, {count(rows[-1]['kept'])} are left after "
        f"{STAGES[rows[-1]['stage']]}: {percent(rows[-1]['kept'] / max(rows[0]['records_in'], 1))}."
    )
    named = [{**row, "stage": STAGES[row["stage"]]} for row in rows]
    table = grid("stages", "Records by stage and outcome", columns, named)
    return Figure(
        "by-stage", "How many pages survive each stage?", answer, bars(items, unit="page records"), table
    )


def _reasons(stats: dict[str, Any]) -> Figure | None:
    lost = [row for row in stats["funnel"] if row["outcome"] != "kept" and row["stage"] in ROAD]
    lost = sorted(lost, key=lambda row: (-row["records"], row["stage"], row["reason"]))
    if not lost:
        return None
    items = [
        Bar(
            f"{reason_of(row['reason'])} · {STAGES[row['stage']]}",
            count(row["records"]),
            [
                Part(
                    row["outcome"],
                    row["records"],
                    f"{row['outcome']} as {row['reason']}: {percent(row['share'])} of the stage's records",
                    row["outcome"],
                )
            ],
        )
        for row in lost[:_MOST]
    ]
    worst = lost[0]
    answer = (
        f"Most often because of {reason_of(worst['reason'])} ({STAGES[worst['stage']]}): "
        f"{percent(worst['share'])} of that stage's records."
    )
    columns = {"stage": ("Stage", "text"), "outcome": ("Outcome", "text")}
    columns |= {"reason": ("Reason", "text"), "records": ("Records", "count")}
    table = grid(
        "reasons", "Lost page records", columns, [{**row, "stage": STAGES[row["stage"]]} for row in lost]
    )
    return Figure("by-reason", "Why were pages lost?", answer, bars(items, unit="page records"), table)


def _examples(stats: dict[str, Any]) -> Grid:
    columns = {
        "stage": ("Stage", "text"),
        "reason": ("Reason", "text"),
        "records": ("Records", "count"),
        "meaning": ("Meaning", "text"),
        "url": ("Record", "foreign"),
        "snippet": ("How it begins", "excerpt"),
        "inspect": ("Its whole story", "command"),
    }
    known = {(row["stage"], row["outcome"], row["reason"]): row["records"] for row in stats["funnel"]}
    rows = [
        {
            **row,
            "stage": STAGES[row["stage"]],
            "reason": reason_of(row["reason"]),
            "records": known.get((row["stage"], row["outcome"], row["reason"])),
        }
        for row in sorted(stats["reason_examples"], key=lambda row: row["stage"] not in ROAD)
    ]
    caption = (
        "Examples behind each reason: press one to see records, how they begin, and what tells their story"
    )
    return grid("examples", caption, columns, rows, fold=("stage", "reason", "records"))
