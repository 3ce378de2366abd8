"""What the corpus is made of: the training sets, the seeds, the retrieved pages."""

from __future__ import annotations

from typing import Any

from corpus.report.figures.bars import Bar, Part, bars
from corpus.report.figures.style import SERIES
from corpus.report.grids import Grid, grid
from corpus.report.markup import count, percent, sentence, short
from corpus.report.parts import SETS, Figure, Section
from corpus.report.show.shapes import MOST_BARS, ranked

Stats = dict[str, Any]


def section(stats: Stats) -> Section:
    figures = [figure for figure in (_sets(stats), _seeds(stats), _kinds(stats), _matched(stats)) if figure]
    mixture = stats["mixture"]
    named = f" Tokens are counted with the tokenizer {mixture['tokenizer']['name']}." if mixture else ""
    lead = f"The whole mixture, the seeds by source and kind, and retrieved pages by nearest seed.{named}"
    table = _set_table(stats)
    return Section("composition", "What it is made of", lead, figures, (table,) if table else ())


def _sets(stats: Stats) -> Figure | None:
    """One bar per training set, cut into its sources."""
    sets = (stats["mixture"] or {}).get("sets", {})
    if not sets:
        return None
    sources = list(dict.fromkeys(row["source"] for content in sets.values() for row in content["sources"]))
    paint = {source: SERIES[at % len(SERIES)] for at, source in enumerate(sources)}
    items, rows = [], []
    for name, content in sets.items():
        parts = [
            Part(
                row["source"],
                row["tokens"],
                f"{row['source']}: {count(row['tokens'])} tokens, {percent(row['share'])}",
                paint[row["source"]],
            )
            for row in content["sources"]
        ]
        items.append(Bar(sentence(SETS.get(name, name)), f"{short(content['tokens'])} tokens", parts))
        rows += [{"set": SETS.get(name, name), **row} for row in content["sources"]]
    first, content = next(iter(sets.items()))
    largest = max(content["sources"], key=lambda row: row["tokens"])
    answer = (
        f"{sentence(SETS.get(first, first))} holds {count(content['tokens'])} tokens, "
        f"{percent(largest['share'])} of them from {largest['source']}."
    )
    columns = {"set": ("Set", "text"), "source": ("Source", "text"), "documents": ("Documents", "count")}
    columns |= {"tokens": ("Tokens", "count"), "share": ("Share", "percent")}
    table = grid("composition", "Tokens of each set by source", columns, rows)
    return Figure(
        "mixture", "How many tokens, from which sources?", answer, bars(items, unit="tokens"), table
    )


def _seeds(stats: Stats) -> Figure | None:
    found = stats["seeds"]
    if not found or not found["by_source"]:
        return None
    kinds = [row["kind"] for row in found["by_kind"]]
    paint = {kind: SERIES[at % len(SERIES)] for at, kind in enumerate(kinds)}
    by_source: dict[str, list[dict[str, Any]]] = {}
    for row in found["by_source"]:
        by_source.setdefault(row["source"], []).append(row)
    sizes = {source: sum(row["items"] for row in rows) for source, rows in by_source.items()}
    order = sorted(by_source, key=lambda source: (-sizes[source], source))
    items = [
        Bar(
            source,
            count(sizes[source]),
            [
                Part(
                    row["kind"],
                    row["items"],
                    f"{source}, {row['kind']}: {count(row['items'])} items",
                    paint[row["kind"]],
                )
                for row in sorted(by_source[source], key=lambda row: kinds.index(row["kind"]))
            ],
        )
        for source in order[:MOST_BARS]
    ]
    answer = (
        f"{count(found['items'])} items from {count(found['sources'])} sources; the largest is {order[0]}."
    )
    columns = {"source": ("Source", "foreign"), "kind": ("Kind", "text"), "items": ("Items", "count")}
    table = grid("seeds", "Seeds by source and kind", columns, found["by_source"])
    question = "Which sources and kinds do the seeds come from?"
    return Figure("seed-sources", question, answer, bars(items, unit="seed items"), table)


def _kinds(stats: Stats) -> Figure | None:
    """Tokens of the first set by kind of document."""
    sets = (stats["mixture"] or {}).get("sets", {})
    if not sets:
        return None
    name, content = next(iter(sets.items()))
    caption = f"Tokens of {SETS.get(name, name)} by kind of document"
    question = f"Which kinds of documents does {SETS.get(name, name)} hold?"
    return ranked("kinds", question, "kind", content["kinds"], caption=caption, unit="tokens")


def _matched(stats: Stats) -> Figure | None:
    rows = (stats["matches"] or {}).get("by_source") or []
    return ranked(
        "retrieved",
        "Which seeds do the retrieved pages resemble?",
        "source",
        rows,
        caption="Retrieved pages by the source of their nearest seed",
        header="Source of the nearest seed",
    )


def _set_table(stats: Stats) -> Grid | None:
    rows = [
        {"set": name, "source": source["source"], "weight": source["weight"], **part}
        for name, content in ((stats["mixture"] or {}).get("sets", {})).items()
        for source in content["sources"]
        for part in source["made_of"]
    ]
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
