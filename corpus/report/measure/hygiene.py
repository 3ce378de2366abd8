"""Numbers of hygiene: secrets that were replaced, benchmark items that were found, in seeds and in pages."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from corpus.report.counters import NO_VALUE, Distinct
from corpus.report.workspace import Workspace, batches

STAGES = ("clean", "clean_seeds")


def numbers(space: Workspace) -> dict[str, Any]:
    """By stage; empty where neither has finished."""
    return {stage: _of(space, stage) for stage in STAGES if space.has(stage)}


def _of(space: Workspace, stage: str) -> dict[str, Any]:
    found = space.stages[stage]
    given = found.facts.get("benchmarks") or {}
    redacted = [
        {"kind": kind, "replaced": int(row.get("replaced", 0)), "texts": int(row.get("texts", 0))}
        for kind, row in sorted((found.facts.get("redacted") or {}).items())
    ]
    dropped = (row["rows"] for row in found.counts.get("by_reason", ()) if row["reason"] == "contaminated")
    return {
        "records_in": int(found.counts.get("records_in", 0)),
        "contaminated": sum(dropped),
        "items_searched": int(given.get("records", 0)),
        "replaced": sum(row["replaced"] for row in redacted),
        "redacted": redacted,
        "contamination": _contamination(space, stage, given.get("indexed_by_benchmark") or {}),
    }


def _contamination(space: Workspace, stage: str, indexed: dict[str, Any]) -> list[dict[str, Any]]:
    """Texts and items by benchmark, those without a find included."""
    texts: dict[str, Distinct] = {name: Distinct() for name in indexed}
    items: dict[str, Distinct] = {name: Distinct() for name in indexed}
    columns = {name: name for name in ("id", "benchmark", "item")}
    for batch in batches(space.files(stage, "contamination"), columns):
        for row in (
            pa.Table.from_batches([batch]).group_by(["benchmark", "id", "item"]).aggregate([]).to_pylist()
        ):
            name = row["benchmark"] or NO_VALUE
            texts.setdefault(name, Distinct()).add([str(row["id"])])
            items.setdefault(name, Distinct()).add([str(row["item"])])
    rows = [
        {
            "benchmark": name,
            "texts": texts[name].number(),
            "items": items[name].number(),
            "indexed": indexed.get(name),
        }
        for name in texts
    ]
    return sorted(rows, key=lambda row: (-int(row["texts"]), str(row["benchmark"])))
