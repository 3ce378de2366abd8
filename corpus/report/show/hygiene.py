"""What was cut out: benchmark items, secrets and personal data, in the pages and in the seeds."""

from __future__ import annotations

from typing import Any

from corpus.report.figures.bars import Bar, Part, bars
from corpus.report.grids import Grid, grid
from corpus.report.markup import count
from corpus.report.parts import Figure, Section, empty
from corpus.report.show.names import STAGES

Stats = dict[str, Any]
_WHERE = {"clean": "pages", "clean_seeds": "seeds"}


def section(stats: Stats) -> Section:
    found = stats["hygiene"]
    if not found:
        return empty("hygiene", "Hygiene", "clean or clean_seeds")
    told = []
    for stage, numbers in found.items():
        searched = numbers["items_searched"]
        replaced = f"{count(numbers['replaced'])} secrets and personal data were replaced"
        told.append(
            f"{count(numbers['contaminated'])} of {count(numbers['records_in'])} {_WHERE[stage]} were "
            f"dropped for benchmark items (of {count(searched)} searched for), and {replaced}."
            if searched
            else f"No benchmark was given for {_WHERE[stage]}; {replaced}."
        )
    figures = [figure for figure in (_secrets(found),) if figure]
    tables = [table for table in (_contamination(found),) if table.rows]
    return Section("hygiene", "Contamination, secrets, personal data", " ".join(told), figures, tables)


def _secrets(found: Stats) -> Figure | None:
    rows = [
        {"stage": STAGES[stage], "what": row["kind"].replace("_", " "), "where": _WHERE[stage], **row}
        for stage, numbers in found.items()
        for row in numbers["redacted"]
    ]
    if not any(row["replaced"] for row in rows):
        return None
    kinds = list(dict.fromkeys(row["what"] for row in rows))
    paint = {"pages": "c0", "seeds": "c1"}
    items = []
    for kind in kinds:
        mine = [row for row in rows if row["what"] == kind]
        parts = [
            Part(
                row["where"],
                row["replaced"],
                f"{kind} in {row['where']}: {count(row['replaced'])} in {count(row['texts'])} texts",
                paint[row["where"]],
            )
            for row in mine
        ]
        items.append(Bar(kind, count(sum(row["replaced"] for row in mine)), parts))
    most = max(rows, key=lambda row: row["replaced"])
    answer = (
        f"Most often {most['what']} in {most['where']}: {count(most['replaced'])}. Each became a placeholder."
    )
    columns = {"what": ("What", "text"), "where": ("In", "text")}
    columns |= {"replaced": ("Replaced", "count"), "texts": ("Texts", "count")}
    table = grid("redacted", "Secrets and personal data that were replaced", columns, rows)
    return Figure(
        "secrets", "Which secrets and personal data were found?", answer, bars(items, unit="places"), table
    )


def _contamination(found: Stats) -> Grid:
    rows = [
        {"where": _WHERE[stage], **row}
        for stage, numbers in found.items()
        for row in numbers["contamination"]
    ]
    columns = {
        "benchmark": ("Benchmark", "foreign"),
        "where": ("Found in", "text"),
        "texts": ("Texts", "count"),
        "items": ("Items found", "count"),
        "indexed": ("Items searched for", "count"),
    }
    return grid("contamination", "Benchmark items that were found", columns, rows)
