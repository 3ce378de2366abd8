"""Numbers of the seeds: what each source gives, of which kind, under which licence."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from corpus.report.counters import NO_VALUE, TopCounter
from corpus.report.workspace import Workspace, batches


def numbers(space: Workspace) -> dict[str, Any]:
    """Items, characters and distinct APIs, in all and by source and kind."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    every_api: set[str] = set()
    columns: dict[str, pc.Expression | str] = {
        "source": "source",
        "kind": "kind",
        "licence": "licence",
        "apis": "apis",
        "characters": pc.utf8_length(pc.field("text")),
    }
    for batch in batches(space.files("seeds", "seeds"), columns):
        for row in batch.to_pylist():
            group = groups.setdefault((row["source"] or NO_VALUE, row["kind"] or NO_VALUE), _empty())
            group["items"] += 1
            group["characters"] += row["characters"] or 0
            group["apis"].update(row["apis"] or ())
            group["licences"].add_one(row["licence"] or NO_VALUE)
            every_api.update(row["apis"] or ())
    rows = [{"source": source, "kind": kind, **_summary(group)} for (source, kind), group in groups.items()]
    rows.sort(key=lambda row: (-row["items"], row["source"], row["kind"]))
    return {
        "items": sum(row["items"] for row in rows),
        "characters": sum(row["characters"] for row in rows),
        "apis": len(every_api),
        "sources": len({row["source"] for row in rows}),
        "unlicensed": sum(row["unlicensed"] for row in rows),
        "by_source": rows,
        "by_kind": _by_kind(rows),
    }


def _empty() -> dict[str, Any]:
    return {"items": 0, "characters": 0, "apis": set(), "licences": TopCounter()}


def _summary(group: dict[str, Any]) -> dict[str, Any]:
    licences = group["licences"]
    return {
        "items": group["items"],
        "apis": len(group["apis"]),
        "characters": group["characters"],
        "licences": [name for name, _ in licences.top(3)],
        "unlicensed": licences.counts.get(NO_VALUE, 0),
    }


def _by_kind(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds: dict[str, int] = {}
    for row in rows:
        kinds[row["kind"]] = kinds.get(row["kind"], 0) + row["items"]
    return [{"kind": kind, "items": n} for kind, n in sorted(kinds.items(), key=lambda kv: (-kv[1], kv[0]))]
