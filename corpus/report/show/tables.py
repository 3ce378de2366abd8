"""Time and size of each stage, and the glossary of all tables and columns."""

from __future__ import annotations

from typing import Any

from corpus.engine.tables import ALL_TABLES
from corpus.report.figures import Bar, Part, bars
from corpus.report.grids import grid
from corpus.report.markup import count, duration, short
from corpus.report.parts import Figure, Section


def timing(stats: dict[str, Any]) -> Section:
    rows = [row for row in stats["stages"] if "seconds" in row]
    columns = {
        "stage": ("Stage", "text"),
        "records_in": ("Records in", "count"),
        "seconds": ("Time", "duration"),
        "records_per_second": ("Records/s", "number"),
        "bytes_in": ("Bytes in", "size"),
        "bytes_out": ("Bytes out", "size"),
    }
    lead = "Wall-clock time of each finished stage, start of Spark included, as its manifest says."
    if not rows:
        return Section("timing", "Time and size", "No corpus stage has finished.")
    items = [
        Bar(
            row["stage"],
            duration(row["seconds"]),
            (Part("s0", row["seconds"], f"{row['stage']}: {duration(row['seconds'])}"),),
        )
        for row in rows
    ]
    slowest = max(rows, key=lambda row: row["seconds"])
    longest = (
        f"{slowest['stage']} took {duration(slowest['seconds'])} for {count(slowest['records_in'])} records"
    )
    answer = f"{duration(stats['seconds'])} in all; {longest}."
    table = grid("timing", "Time, throughput and size of each stage", columns, rows)
    brief = grid(
        "time", "Time per stage", {"stage": ("Stage", "text"), "seconds": ("Time", "duration")}, rows
    )
    figure = Figure(
        "time", "Where does the time go?", answer, bars(items, f"Time per stage. {answer}"), brief
    )
    return Section("timing", "Time and size", lead, (figure,), (table,))


def glossary() -> Section:
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


def provenance(stats: dict[str, Any]) -> Section:
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
