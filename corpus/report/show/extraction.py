"""From bytes to text: which extraction was taken, what it kept, and the archives that were read."""

from __future__ import annotations

from typing import Any

from corpus.report.grids import Grid, grid
from corpus.report.markup import count, decimal, percent
from corpus.report.parts import Figure, Section, empty
from corpus.report.show.shapes import distribution, shares

Stats = dict[str, Any]


def section(stats: Stats) -> Section:
    pages = stats["pages"]
    if not pages:
        return empty("extraction", "Extraction", "pages")
    fidelity = pages["fidelity"]
    measured = (
        f" On average a text kept {percent(fidelity['mean'])} of its page's code lines and table cells; "
        "pages with neither count as 100 %."
        if fidelity["pages"]
        else ""
    )
    names = ", ".join(f"{row['extractor']} ({percent(row['share'])})" for row in pages["extractors"])
    lead = f"Texts were taken by {names or 'no extractor'}.{measured}"
    figures = [figure for figure in (_fidelity(pages), _code(pages)) if figure]
    tables = [
        _extractors(pages),
        shares("media_types", "media_type", "Media types of the pages", pages["media_types"]),
        *_archives(stats["archives"]),
    ]
    return Section(
        "extraction", "Extraction and archives", lead, figures, [table for table in tables if table.rows]
    )


def _fidelity(pages: Stats) -> Figure | None:
    found = pages["fidelity"]
    if not found["pages"]:
        return None
    answer = (
        f"{count(found['low'])} of {count(found['pages'])} pages keep less than "
        f"{percent(found['limit'])} of them. Mean {decimal(found['mean'])}."
    )
    return distribution(
        "fidelity",
        "Do code and tables survive extraction?",
        answer,
        found["histogram"],
        x="share of code lines and table cells that the text kept",
        kind="percent",
        caption="Pages by fidelity of code and tables",
    )


def _code(pages: Stats) -> Figure | None:
    rows = pages["code_share"]
    if not rows:
        return None
    some = f"{count(pages['pages_with_code'])} of {count(pages['pages'])} pages"
    return distribution(
        "code",
        "How much of a page is code?",
        f"{some} have at least {percent(rows[0]['below'])} of their characters in code blocks.",
        rows,
        x="share of characters inside code blocks",
        kind="percent",
        caption="Pages by share of code",
    )


def _extractors(pages: Stats) -> Grid:
    columns = {
        "extractor": ("Extractor", "text"),
        "pages": ("Pages", "count"),
        "share": ("Share", "percent"),
        "fidelity": ("Code and tables kept (mean)", "percent"),
        "words": ("Words a page (mean)", "count"),
    }
    return grid("extractors", "Extraction that was taken", columns, pages["extractors"])


def _archives(found: Stats | None) -> list[Grid]:
    if not found:
        return []
    counted = (
        "archives",
        "records",
        "responses",
        "other_records",
        "kept",
        "dropped",
        "failed",
        "damaged_ranges",
    )
    rows: list[dict[str, Any]] = [{"what": name.replace("_", " "), "number": found[name]} for name in counted]
    rows += [
        {"what": f"{name.replace('_', ' ')} (bytes)", "number": found[key]} for name, key in _BYTES.items()
    ]
    columns = {"what": ("What", "text"), "number": ("Number", "count")}
    reasons = {
        "reason": ("Reason", "text"),
        "ranges": ("Unreadable ranges", "count"),
        "bytes": ("Bytes", "size"),
    }
    worst = {
        "archive": ("Archive", "foreign"),
        "ranges": ("Unreadable ranges", "count"),
        "bytes": ("Bytes lost", "size"),
        "of": ("Archive size", "size"),
    }
    return [
        grid("archives", "Input archives in all", columns, rows),
        grid(
            "damage_reasons",
            "Byte ranges that could not be read, by reason",
            reasons,
            found["damaged_by_reason"],
        ),
        grid("damage", "Archives with byte ranges that could not be read", worst, found["most_damaged"]),
    ]


_BYTES = {"size": "bytes", "unreadable": "damaged_bytes"}
