"""Charts and tables that several sections share, from rows as the measuring modules leave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.report.figures.bars import Bar, Part, bars
from corpus.report.figures.chart import Chart
from corpus.report.figures.histogram import Bin, histogram
from corpus.report.grids import Grid, grid
from corpus.report.markup import count, percent, short
from corpus.report.parts import Figure

Rows = Sequence[Mapping[str, Any]]
MOST_BARS = 12  # of one figure; its table holds all


def shares(
    name: str, key: str, caption: str, rows: Rows, *, unit: str = "pages", header: str = "", cut: bool = False
) -> Grid:
    """A table of values, how often each occurs, and its share. `cut`: a counter may have lost some."""
    head = header or key.replace("_", " ").capitalize()
    least = ", at least" * cut
    columns = {key: (head, "foreign"), unit: (unit.capitalize() + least, "count")}
    columns["share"] = (f"Share{least}", "percent")
    return grid(name, caption, columns, rows)


def share_bars(
    rows: Rows,
    key: str,
    unit: str = "pages",
    most: int = MOST_BARS,
    colour: str = "c0",
    *,
    cut: bool = False,
) -> Chart:
    """A bar per value, with its count and share."""
    least = "at least " * cut
    items = [
        Bar(
            str(row[key]),
            f"{least}{count(row[unit])} · {percent(row['share'])}",
            (
                Part(
                    unit,
                    row[unit],
                    f"{row[key]}: {least}{count(row[unit])} {unit}, {percent(row['share'])}",
                    colour,
                ),
            ),
        )
        for row in rows[:most]
    ]
    return bars(items, unit=unit)


def ranked(
    name: str,
    question: str,
    key: str,
    rows: Rows,
    *,
    caption: str,
    unit: str = "pages",
    header: str = "",
    cut: bool = False,
) -> Figure | None:
    """The figure of a distribution over names: bars of the first, a table of all that are known."""
    if not rows:
        return None
    least = "at least " * cut
    first = f"The first is {rows[0][key]} with {least}{percent(rows[0]['share'])} of the {unit}."
    table = shares(name, key, caption, rows, unit=unit, header=header, cut=cut)
    return Figure(name, question, first, share_bars(rows, key, unit, cut=cut), table)


def columns_of(rows: Rows, groups: Sequence[str], unit: str, *, log: bool = False) -> list[Bin]:
    """Bins of a histogram from rows with `from`, `below` and a column per group; on a logarithmic axis the
    column of zeros stands left of 1."""
    return [
        Bin(
            max(row["from"], 0.5) if log else row["from"],
            row["below"],
            row.get(group) or 0,
            f"{ends(row)}: {count(row.get(group) or 0)} {unit}",
            group if len(groups) > 1 else "",
        )
        for group in groups
        for row in rows
    ]


def distribution(
    name: str,
    question: str,
    answer: str,
    rows: Rows,
    *,
    x: str,
    unit: str = "pages",
    groups: Sequence[str] = (),
    kind: str = "decimal",
    log: bool = False,
    caption: str = "",
) -> Figure | None:
    """The figure of a histogram whose bins are rows; null where nothing was counted."""
    named = list(groups) or [unit]
    if not any(row.get(group) for row in rows for group in named):
        return None
    chart = histogram(columns_of(rows, named, unit, log=log), x=x, y=unit, log=log, percent=kind == "percent")
    columns = {"from": ("From", kind), "below": ("Below", kind)}
    columns |= {group: (group.capitalize(), "count") for group in named}
    return Figure(name, question, answer, chart, grid(name, caption or question, columns, rows))


def ends(row: Mapping[str, Any]) -> str:
    """The ends of a bin in words."""
    low, high = row["from"], row["below"]
    if isinstance(low, int) and isinstance(high, int):
        return short(low) if high == low + 1 else f"{short(low)} to {short(high - 1)}"
    return f"{low:.2f} to {high:.2f}"
