"""The comparison report of two folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from corpus.engine import storage
from corpus.report.compare.differences import Difference, between, pair
from corpus.report.compare.show import Compared, relative, sections, signed, value
from corpus.report.compare.subject import Subject, check, named_apart, open_subject
from corpus.report.config import ReportConfig
from corpus.report.grids import Grid
from corpus.report.parts import Section, tables_of
from corpus.report.plain import finite
from corpus.report.warnings import CAUTION, PROBLEM, Finding

_NOT_COMPARED = {"glossary", "published", "examples"}  # the same on both sides, or single records


def compare(config: ReportConfig) -> tuple[Compared, dict[str, Any]]:
    """Both sides measured and set side by side: the result, and its numbers as plain data.

    Raises UserError where a side is not there or holds nothing finished.
    """
    check(config)
    a, b = named_apart(*(open_subject(path, config) for path in config.input))
    found = _compared(a, b, config.top)
    findings = _findings(found)
    stats = finite(
        {
            "a": _of(a),
            "b": _of(b),
            "numbers_compared": found.numbers,
            "differences": [_plain(difference) for difference in found.differences],
            "apart": [list(row) for row in found.apart],
            "notices": [finding.plain() for finding in findings],
        }
    )
    return found, stats


def parts_of(found: Compared) -> list[Section]:
    return sections(found)


def head_of(found: Compared) -> list[tuple[str, str, str]]:
    """(question, answer, note) for the top of the page: the four largest differences."""
    return [
        (
            d.row,
            f"{value(d.a, d.column)} → {value(d.b, d.column)}",
            f"{d.column.header}: {signed(d)}, {relative(d)}",
        )
        for d in found.differences[:4]
    ]


def _compared(a: Subject, b: Subject, top: int) -> Compared:
    theirs = {table.name: table for table in tables_of(b.sections)}
    mine = {table.name for table in tables_of(a.sections)}
    pairs, apart, numbers = [], [], 0
    for section in a.sections:
        for table in tables_of([section]):
            if table.name in _NOT_COMPARED:
                continue
            other = theirs.get(table.name)
            matched = pair(table, other) if other and table.rows and other.rows else None
            if matched:
                differences = between(matched, top)
                pairs.append((section, matched, differences))
                numbers += sum(
                    d.b is not None and (d.a is not None or matched.is_histogram) for d in differences
                )
            elif other is None:
                apart.append((table.caption, f"B has no such table: {_reason(b, section)}"))
            elif _has_numbers(table):
                apart.append((table.caption, "its rows have no names or places that both sides share"))
    for section in b.sections:
        apart += [
            (table.caption, f"A has no such table: {_reason(a, section)}")
            for table in tables_of([section])
            if table.name not in mine and table.name not in _NOT_COMPARED
        ]
    return Compared(a, b, pairs, apart, numbers)


def _reason(side: Subject, section: Section) -> str:
    own = next((part for part in side.sections if part.name == section.name), None)
    if own is None:
        return f"{side.holds} has no section '{section.title}'"
    return (
        f"{side.holds} has none of its numbers"
        if not (own.tables or own.figures)
        else "it was not measured there"
    )


def _findings(found: Compared) -> list[Finding]:
    """What makes a comparison unfair, said before any number."""
    a, b, out = found.a, found.b, []
    if a.holds != b.holds:
        text = f"A is {a.holds} and B is {b.holds}: numbers of one step may mean something else in the other."
        out.append(Finding(CAUTION, text, "apart" if found.apart else "", "", 0.5))
    names = [((side.stats.get("mixture") or {}).get("tokenizer") or {}) for side in (a, b)]
    if all(names) and names[0] != names[1]:
        of = " and ".join(dict.fromkeys(str(name.get("name")) for name in names))
        text = f"The tokenizers differ ({of}), so numbers of tokens are not in the same unit."
        out.append(Finding(PROBLEM, text, "settings", "", 1.0))
    stages = {side.stats["pages"]["stage"] for side in (a, b) if side.stats.get("pages")}
    if len(stages) > 1:
        text = f"The pages are those of different stages: {' and '.join(sorted(stages))}."
        out.append(Finding(CAUTION, text, "differences", "", 0.4))
    if not found.pairs:
        text = "The two have no table in common: nothing can be compared."
        out.append(Finding(PROBLEM, text, "apart" if found.apart else "", "", 1.0))
    return sorted(out, key=lambda finding: (finding.level != PROBLEM, -finding.weight))


def _has_numbers(table: Grid) -> bool:
    return any(column.kind not in ("text", "foreign", "list") for column in table.columns)


def _of(side: Subject) -> dict[str, Any]:
    numbers: Mapping[str, Any] = {key: value for key, value in side.stats.items() if key != "notices"}
    return {"name": side.name, "path": storage.redact(side.path), "holds": side.holds, "numbers": numbers}


def _plain(difference: Difference) -> dict[str, Any]:
    column = asdict(difference.column)
    return {
        "table": difference.table,
        "caption": difference.caption,
        "row": difference.row,
        "column": column["key"],
        "unit": column["header"],
        "kind": column["kind"],
        "a": difference.a,
        "b": difference.b,
        "change": difference.change,
        "relative": difference.relative,
        "effect": difference.effect,
    }
