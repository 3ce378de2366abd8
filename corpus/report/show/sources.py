"""Where the seeds come from (the paper's tables 9 and 10), and other agent data (its table 1)."""

from __future__ import annotations

from typing import Any

from corpus.report.grids import Grid, grid
from corpus.report.markup import count
from corpus.report.parts import Section, empty
from corpus.report.published import PUBLICATION

Stats = dict[str, Any]


def section(stats: Stats) -> Section:
    found = stats["seeds"]
    if not found:
        return empty("sources", "Sources", "seeds")
    by = f" Tokens of seeds by source are {found['tokens_by']}." if found["tokens_by"] else ""
    lead = (
        f"{count(found['sources'])} sources name {count(found['apis'])} distinct APIs"
        f"{'' if found['apis_exact'] else ' (estimated)'}.{by} The second table sets this corpus beside "
        f"published agent data; its figures are those of {PUBLICATION}, and a dash means that none is known."
    )
    return Section("sources", "Sources, and other agent data", lead, (), (_sources(found), _published(stats)))


def _sources(found: Stats) -> Grid:
    columns = {
        "source": ("Source", "foreign"),
        "kind": ("Type", "text"),
        "format": ("Format", "foreign"),
        "items": ("Items", "count"),
        "tokens": ("Tokens", "count"),
        "apis": ("APIs", "count"),
        "licences": ("Licences", "list"),
        "link": ("Link", "link"),
    }
    return grid("sources", "Seed sources: type, format, size, APIs and licence", columns, found["by_source"])


def _published(stats: Stats) -> Grid:
    columns = {
        "name": ("Data set", "text"),
        "use": ("Use", "text"),
        "tokens": ("Pre-training tokens", "count"),
        "samples": ("Instruction samples", "count"),
        "apis": ("APIs", "count"),
        "api_docs": ("API docs", "text"),
        "calls": ("Function calls", "text"),
        "trajectories": ("Trajectories", "text"),
        "code": ("Code", "text"),
    }
    return grid("published", "This corpus and published agent data", columns, stats["published"])
