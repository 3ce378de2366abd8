"""What the corpus is made of: training sets, seeds, retrieved pages, and the table of sources."""

from __future__ import annotations

from typing import Any

from corpus.report.figures import Bar, Part, bars
from corpus.report.grids import Grid, grid
from corpus.report.markup import count, percent, sentence, short
from corpus.report.parts import SETS, Figure, Section

Stats = dict[str, Any]
_MOST = 12  # bars of one figure; the tables hold all


def section(stats: Stats) -> Section:
    figures = [figure for figure in (_sets(stats), _seeds(stats), _matched(stats)) if figure]
    mixture = stats["mixture"]
    named = f" Tokens are counted with the tokenizer {mixture['tokenizer']['name']}." if mixture else ""
    lead = f"The whole mixture, the seeds by source and kind, and retrieved pages by nearest seed.{named}"
    tables = [table for table in (_set_table(stats), _source_table(stats)) if table]
    return Section("composition", "Composition and sources", lead, figures, tables)


def _sets(stats: Stats) -> Figure | None:
    sets = (stats["mixture"] or {}).get("sets", {})
    stage = sets.get("stage1") or next(iter(sets.values()), None)
    if not stage:
        return None
    name = SETS.get("stage1" if "stage1" in sets else next(iter(sets)), "the set")
    rows = sorted(stage["sources"], key=lambda row: (-row["tokens"], row["source"]))
    items = [
        Bar(
            row["source"],
            f"{short(row['tokens'])} tokens · {percent(row['share'])}",
            (Part(f"s{i % 6}", row["tokens"], f"{row['source']}: {count(row['tokens'])} tokens"),),
        )
        for i, row in enumerate(rows)
    ]
    largest = f"{rows[0]['source']} gives {percent(rows[0]['share'])}"
    answer = f"{sentence(name)} holds {count(stage['tokens'])} tokens; {largest}. Unit: tokens."
    columns = {"source": ("Source", "text"), "tokens": ("Tokens", "count"), "share": ("Share", "percent")}
    table = grid("composition", f"Tokens of {name} by source", columns, rows)
    return Figure(
        "mixture", f"What is {name} made of?", answer, bars(items, f"Tokens by source. {answer}"), table
    )


def _seeds(stats: Stats) -> Figure | None:
    found = stats["seeds"]
    if not found or not found["by_source"]:
        return None
    kinds = [row["kind"] for row in found["by_kind"]]
    style = {kind: f"s{i % 6}" for i, kind in enumerate(kinds)}
    by_source: dict[str, list[dict[str, Any]]] = {}
    for row in found["by_source"]:
        by_source.setdefault(row["source"], []).append(row)
    sizes = {source: sum(row["items"] for row in rows) for source, rows in by_source.items()}
    order = sorted(by_source, key=lambda source: (-sizes[source], source))
    items = [
        Bar(
            source,
            count(sizes[source]),
            tuple(
                Part(
                    style[row["kind"]], row["items"], f"{source}, {row['kind']}: {count(row['items'])} items"
                )
                for row in sorted(by_source[source], key=lambda row: kinds.index(row["kind"]))
            ),
        )
        for source in order[:_MOST]
    ]
    size = f"{count(found['items'])} items from {count(found['sources'])} sources"
    answer = f"{size}; the largest is {order[0]}. Unit: items."
    svg = bars(items, f"Seeds by source and kind. {answer}", [(style[kind], kind) for kind in kinds])
    columns = {"source": ("Source", "foreign"), "kind": ("Kind", "text"), "items": ("Items", "count")}
    table = grid("seeds", "Seeds by source and kind", columns, found["by_source"])
    return Figure("seed-sources", "Which sources and kinds do the seeds come from?", answer, svg, table)


def _matched(stats: Stats) -> Figure | None:
    rows = (stats["matches"] or {}).get("by_source") or []
    if not rows:
        return None
    items = [
        Bar(
            row["source"],
            f"{count(row['pages'])} · {percent(row['share'])}",
            (Part("s0", row["pages"], f"{row['source']}: {count(row['pages'])} pages"),),
        )
        for row in rows[:_MOST]
    ]
    most = f"{percent(rows[0]['share'])} of the retrieved pages"
    answer = f"The seeds of {rows[0]['source']} are nearest to {most}. Unit: pages."
    columns = {
        "source": ("Source of the nearest seed", "foreign"),
        "pages": ("Pages", "count"),
        "share": ("Share", "percent"),
    }
    table = grid("retrieved", "Retrieved pages by the source of their nearest seed", columns, rows)
    return Figure(
        "retrieved",
        "Which seeds did the retrieved pages resemble?",
        answer,
        bars(items, f"Retrieved pages. {answer}"),
        table,
    )


def _set_table(stats: Stats) -> Grid | None:
    rows = []
    for name, content in ((stats["mixture"] or {}).get("sets", {})).items():
        for source in content["sources"]:
            for part in source["made_of"]:
                rows.append(
                    {
                        "set": name,
                        "source": source["source"],
                        "weight": source["weight"],
                        **part,
                    }
                )
    columns = {
        "data_set": ("Data set", "foreign"),
        "set": ("Set", "text"),
        "source": ("Source", "text"),
        "kind": ("Type", "text"),
        "documents": ("Documents", "count"),
        "tokens": ("Tokens", "count"),
        "licences": ("Licences", "list"),
    }
    return grid("sets", "Data sets in the training sets, by tokens", columns, rows) if rows else None


def _source_table(stats: Stats) -> Grid | None:
    columns = {
        "source": ("Seed source", "foreign"),
        "kind": ("Type", "text"),
        "items": ("Items", "count"),
        "apis": ("APIs", "count"),
        "characters": ("Characters", "count"),
        "licences": ("Licences", "list"),
    }
    found = stats["seeds"]
    return (
        grid("sources", "Seed sources: type, size, APIs and licence", columns, found["by_source"])
        if found
        else None
    )
