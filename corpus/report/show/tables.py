"""Time, throughput, size and cost of each stage, identities, and the glossary of all tables and columns."""

from __future__ import annotations

from typing import Any

from corpus.engine.tables import ALL_TABLES
from corpus.report.figures.bars import Bar, Part, bars
from corpus.report.grids import grid
from corpus.report.markup import count, duration, percent, short
from corpus.report.parts import Figure, Section
from corpus.report.show.names import STAGES

Stats = dict[str, Any]


def timing(stats: Stats) -> Section:
    rows = [
        {**row, "stage": STAGES.get(row["stage"], row["stage"])}
        for row in stats["stages"]
        if "seconds" in row
    ]
    if not rows:
        return Section("timing", "Time, size and cost", "Nothing to show: no corpus stage has finished.")
    columns = {
        "stage": ("Stage", "text"),
        "records_in": ("Records in", "count"),
        "seconds": ("Time", "duration"),
        "records_per_second": ("Records/s", "number"),
        "million_hours": ("Hours per million", "number"),
        "bytes_in": ("Bytes in", "size"),
        "bytes_out": ("Bytes out", "size"),
    }
    price = stats["hour_price"]
    columns |= {"cost": ("Cost", "decimal")} if price else {}
    cost = f" Cost is that time at {price:g} per machine and hour." if price else ""
    lead = (
        "Wall-clock time of each finished stage on the machine or cluster that ran it, start of Spark "
        f"included, as its manifest says.{cost}"
    )
    slowest = max(rows, key=lambda row: row["seconds"])
    longest = (
        f"{slowest['stage']} took {duration(slowest['seconds'])} for {count(slowest['records_in'])} records"
    )
    items = [
        Bar(
            row["stage"],
            duration(row["seconds"]),
            [Part("time", row["seconds"], f"{row['stage']}: {duration(row['seconds'])}")],
        )
        for row in rows
    ]
    brief = grid(
        "time", "Time per stage", {"stage": ("Stage", "text"), "seconds": ("Time", "duration")}, rows
    )
    answer = f"{duration(stats['seconds'])} in all; {longest}."
    figures = [
        Figure("time", "Where does the time go?", answer, bars(items, unit="seconds"), brief),
        _steps(stats),
    ]
    tables = [grid("timing", "Time, throughput and size of each stage", columns, rows)]
    return Section("timing", "Time, size and cost", lead, [figure for figure in figures if figure], tables)


def _steps(stats: Stats) -> Figure | None:
    """The filter's cascade: what each step costs over all pages, and how many it lets through."""
    rows = stats["filter_steps"]
    if not rows:
        return None
    whole = sum(row["seconds"] for row in rows) or 1.0
    items = [
        Bar(
            f"{row['step'].replace('_', ' ')}: {count(row['pages_in'])} in, {count(row['pages_out'])} out",
            percent(row["seconds"] / whole),
            [
                Part(
                    "time",
                    row["seconds"],
                    f"{row['step']}: {row['ms_per_page']:.3g} ms for a page that comes in",
                )
            ],
        )
        for row in rows
    ]
    dearest = max(rows, key=lambda row: row["seconds"])
    most = f"{dearest['step'].replace('_', ' ')} takes {percent(dearest['seconds'] / whole)} of the time"
    answer = f"Cheap steps come first; {most}."
    columns = {
        "step": ("Step", "text"),
        "pages_in": ("Pages in", "count"),
        "pages_out": ("Pages out", "count"),
        "ms_per_page": ("ms a page", "number"),
        "seconds": ("Seconds", "number"),
        "threshold": ("Threshold", "decimal"),
    }
    table = grid("filter_steps", "Steps of the filter's cascade", columns, rows)
    return Figure(
        "steps", "What does each step of the filter cost?", answer, bars(items, unit="seconds"), table
    )


def glossary(_: Stats) -> Section:
    """Every table and column, in the words of the declared schemas."""
    rows = [
        {
            "table": f"{stage}: {table.name}",
            "column": column.name,
            "type": str(column.type),
            "meaning": column.doc,
        }
        for stage, table in ALL_TABLES
        for column in table.columns
    ]
    names = {"table": "Table", "column": "Column", "type": "Type", "meaning": "Meaning"}
    table = grid(
        "glossary", "All tables and columns", {key: (name, "text") for key, name in names.items()}, rows
    )
    lead = "What each table holds. Open tables carry on the columns of their input behind these."
    return Section("glossary", "Tables and columns", lead, (), (table,))


def provenance(stats: Stats) -> Section:
    """Which parts are there, the identity of each, and what each measured of itself."""
    rows = [{**row, "versions": _versions(row.get("versions", {}))} for row in stats["stages"]]
    columns = {
        "stage": ("Stage", "text"),
        "state": ("State", "text"),
        "purpose": ("Holds", "text"),
        "fingerprint": ("Fingerprint", "foreign"),
        "versions": ("Versions", "list"),
    }
    parts = grid("provenance", "Parts of the workspace", columns, rows)
    facts = [
        {"stage": row["stage"], "fact": name.replace("_", " "), "value": _fact(value)}
        for row in stats["stages"]
        for name, value in row.get("facts", {}).items()
    ]
    heads = {"stage": ("Stage", "text"), "fact": ("Fact", "foreign"), "value": ("Value", "foreign")}
    measured = grid("facts", "What the stages say of their own runs", heads, facts)
    lead = "A fingerprint covers settings, inputs and code version: equal fingerprints, equal tables."
    return Section("provenance", "How this was made", lead, (), (parts, measured) if facts else (parts,))


def _fact(value: float | str) -> str:
    return (
        value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else short(value)
    )


def _versions(found: dict[str, str]) -> list[str]:
    return [f"{name} {found[name]}" for name in sorted(found)]
