"""The pages themselves: hosts, languages, lengths, terms; and the archives they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.report.figures import Bar, Part, bars, histograms
from corpus.report.grids import Grid, grid
from corpus.report.markup import at_least, count, percent, short
from corpus.report.parts import SETS, Figure, Section, empty

Stats = dict[str, Any]


def hosts_of(pages: Stats) -> str:
    """The number of hosts, with its noun."""
    number = pages["hosts"]["distinct"]
    words = at_least(number, exact=not pages["hosts"]["count_error"])
    return f"{words} host{'' if number == 1 else 's'}"


def section(stats: Stats) -> Section:
    pages = stats["pages"]
    if not pages:
        return empty("documents", "Documents", "pages")
    lead = (
        f"The {count(pages['pages'])} pages of the stage {pages['stage']}, the last one that finished. "
        f"The ten largest of {hosts_of(pages)} hold "
        f"{percent(pages['top_ten_hosts_share'])} of them."
    )
    figures = [
        _shares(
            "hosts",
            "Does one host own the corpus?",
            "host",
            pages["hosts"]["top"],
            "Hosts with the most pages",
        ),
        _shares(
            "languages",
            "Which languages are there?",
            "language",
            pages["languages"],
            "Pages by detected language",
        ),
        _lengths(stats),
        _code(pages),
    ]
    terms = [table for table in _terms(pages) if table.rows]
    return Section(
        "documents", "Documents", lead, [figure for figure in figures if figure], [*terms, *_archives(stats)]
    )


def _shares(
    name: str, question: str, key: str, rows: Sequence[Mapping[str, Any]], caption: str
) -> Figure | None:
    if not rows:
        return None
    items = [
        Bar(
            row[key],
            f"{count(row['pages'])} · {percent(row['share'])}",
            (Part("s0", row["pages"], f"{row[key]}: {count(row['pages'])} pages"),),
        )
        for row in rows[:10]
    ]
    answer = f"The first is {rows[0][key]} with {percent(rows[0]['share'])} of the pages. Unit: pages."
    columns = {key: (key.capitalize(), "foreign"), "pages": ("Pages", "count"), "share": ("Share", "percent")}
    return Figure(
        name, question, answer, bars(items, f"{caption}. {answer}"), grid(name, caption, columns, rows)
    )


def _lengths(stats: Stats) -> Figure | None:
    """Lengths in tokens where shards are there, else in words."""
    first = ((stats["mixture"] or {}).get("sets") or {}).get("stage1")
    if first:
        unit, rows = (
            "tokens",
            [(row["source"], row["length_histogram"], row["lengths"]) for row in first["sources"]],
        )
        where = SETS["stage1"]
    else:
        unit, where = "words", "the pages"
        rows = [("", stats["pages"]["word_histogram"], stats["pages"]["words"])]
    bins = sorted({(entry["from"], entry["below"]) for _, histogram, _ in rows for entry in histogram})
    if not bins:
        return None
    counts = {name: {entry["from"]: entry["documents"] for entry in histogram} for name, histogram, _ in rows}
    groups = {name: [counts[name].get(low, 0) for low, _ in bins] for name, _, _ in rows}
    names = [short(low) if below == low + 1 else f"{short(low)}–{short(below - 1)}" for low, below in bins]
    medians = "; ".join(f"{name or 'median'} {count(lengths['p50'])}" for name, _, lengths in rows)
    answer = f"Median length in {unit}: {medians}. Each column spans twice the lengths of the one before."
    svg = histograms(
        groups,
        names,
        None,
        f"Document lengths of {where}. {answer}",
        x=f"{unit} in a document",
        y="documents",
    )
    table = [
        {"from": low, "below": below} | {name or "documents": values[i] for name, values in groups.items()}
        for i, (low, below) in enumerate(bins)
    ]
    columns = {"from": (f"From ({unit})", "count"), "below": ("Below", "count")}
    columns |= {name or "documents": (name or "Documents", "count") for name in groups}
    return Figure(
        "lengths",
        f"How long are the documents of {where}?",
        answer,
        svg,
        grid("lengths", f"Documents by length in {unit}", columns, table),
    )


def _code(pages: Stats) -> Figure | None:
    rows = pages["code_share"]
    values = [row.get("pages", 0) for row in rows]
    if not sum(values):
        return None
    edges = [f"{percent(row['from'])} to {percent(row['below'])}" for row in rows]
    some = f"{count(pages['pages_with_code'])} of {count(pages['pages'])} pages"
    answer = f"{some} have at least {percent(rows[0]['below'])} of their characters in code blocks."
    svg = histograms(
        {"": values},
        edges,
        (0, 1),
        f"Share of code in pages. {answer}",
        x="share of characters inside code blocks",
        y="pages",
    )
    columns = {"from": ("From", "percent"), "below": ("Below", "percent"), "pages": ("Pages", "count")}
    return Figure(
        "code",
        "How much of a page is code?",
        answer,
        svg,
        grid("code_share", "Pages by share of code", columns, rows),
    )


def _terms(pages: Stats) -> list[Grid]:
    def shares(name: str, key: str, caption: str, rows: Sequence[Mapping[str, Any]]) -> Grid:
        columns = {
            key: (key.replace("_", " ").capitalize(), "foreign"),
            "pages": ("Pages", "count"),
            "share": ("Share", "percent"),
        }
        return grid(name, caption, columns, rows)

    return [
        shares("licences", "licence", "Licences stated by or linked from the pages", pages["licences"]),
        shares("opt_outs", "directive", "Robots directives that ask to be left out", pages["opt_outs"]),
        shares("extractors", "extractor", "Extraction that was taken", pages["extractors"]),
        shares("years", "year", "Year in which the pages were fetched", pages["years"]),
    ]


def _archives(stats: Stats) -> list[Grid]:
    found = stats["archives"]
    if not found:
        return []
    names = (
        "archives",
        "bytes",
        "records",
        "responses",
        "other_records",
        "kept",
        "dropped",
        "failed",
        "damaged_ranges",
        "damaged_bytes",
    )
    rows = [{"what": name.replace("_", " "), "number": found[name]} for name in names]
    tables = [
        grid(
            "archives",
            "Input archives in all (bytes, records by type, damage)",
            {"what": ("What", "text"), "number": ("Number", "count")},
            rows,
        )
    ]
    if found["most_damaged"]:
        columns = {
            "archive": ("Archive", "foreign"),
            "ranges": ("Unreadable ranges", "count"),
            "bytes": ("Bytes lost", "size"),
            "of": ("Archive size", "size"),
        }
        tables.append(
            grid("damage", "Archives with byte ranges that could not be read", columns, found["most_damaged"])
        )
    return tables
