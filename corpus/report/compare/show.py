"""The comparison as sections: what differs most, tables side by side, settings, what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.engine import manifest
from corpus.report import markup
from corpus.report.compare.differences import SHARE, Difference, Pair
from corpus.report.compare.subject import Subject
from corpus.report.figures.bars import Bar, Part, bars
from corpus.report.grids import Column, Grid, grid
from corpus.report.page import LONG
from corpus.report.parts import Figure, Section

BARS, ROWS = 12, 200  # of the figure, and of a table side by side
_FORMATS: Mapping[str, Callable[[Any], str]] = {
    "count": markup.count,
    "percent": markup.percent,
    "decimal": markup.decimal,
    "number": markup.short,
    "size": markup.size,
    "duration": markup.duration,
}


@dataclass(frozen=True)
class Compared:
    """All that was found: pairs of tables with their differences, and what has no counterpart."""

    a: Subject
    b: Subject
    pairs: Sequence[tuple[Section, Pair, Sequence[Difference]]]
    apart: Sequence[tuple[str, str]]  # (subject, why it cannot be compared)
    numbers: int  # that were compared

    @property
    def differences(self) -> list[Difference]:
        """Differences of the data, the largest effect first; a share and its count are one."""
        found = [d for _, _, differences in self.pairs for d in differences if not d.is_cost]
        ranked = [d for d in found if d.effect > 0 and not (d.column.key == SHARE and _has_count(d, found))]
        return sorted(ranked, key=lambda d: (-d.effect, d.table, d.row, d.column.key))


def sections(found: Compared) -> list[Section]:
    parts = [_first(found), *_side_by_side(found), _settings(found)]
    return [*parts, _apart(found)] if found.apart else parts


def value(number: float | None, column: Column) -> str:
    """The number with the unit of its column."""
    return _FORMATS[column.kind](number)


def signed(difference: Difference) -> str:
    """B minus A with its sign; of shares in percentage points."""
    change = difference.change
    if change is None:
        return "–"
    sign = "+" if change > 0 else "−" if change < 0 else ""
    if difference.column.kind == "percent":
        return f"{sign}{100 * abs(change):.1f} points"
    return f"{sign}{value(abs(change), difference.column)}"


def relative(difference: Difference) -> str:
    found = difference.relative
    return "–" if found is None else f"{found:+.1%}".replace("-", "−")


def _words(d: Difference) -> str:
    return d.row if d.row == d.caption else f"{d.row} · {d.caption}"


def _has_count(share: Difference, found: Sequence[Difference]) -> bool:
    return any(d.column.kind == "count" and (d.table, d.row) == (share.table, share.row) for d in found)


def _first(found: Compared) -> Section:
    ranked = found.differences
    lead = (
        f"A is {found.a.name} ({found.a.holds}), B is {found.b.name} ({found.b.holds}). Of "
        f"{markup.count(found.numbers)} numbers that both have, {markup.count(len(ranked))} differ. "
        "The effect orders them: of parts of a whole and of shares the change of the share, of other numbers "
        "the change as a share of the larger one, small counts weighing less."
    )
    if not ranked:
        return Section("differences", "What differs most", f"{lead} The two are equal in all of them.")
    columns = {
        "what": ("Number", "foreign"),
        "unit": ("Of", "text"),
        "a": ("A", "text"),
        "b": ("B", "text"),
        "change": ("Change", "text"),
        "relative": ("Relative", "text"),
        "effect": ("Effect", "decimal"),
    }
    rows = [
        {
            "what": _words(d),
            "unit": d.column.header,
            "a": value(d.a, d.column),
            "b": value(d.b, d.column),
            "change": signed(d),
            "relative": relative(d),
            "effect": d.effect,
        }
        for d in ranked[:LONG]
    ]
    table = grid("differences", f"The {len(rows)} largest differences", columns, rows)
    items = [
        Bar(
            f"{d.row} · {d.column.header}",
            f"{value(d.a, d.column)} → {value(d.b, d.column)}",
            [
                Part(
                    "effect", d.effect, f"{d.caption}: {d.row}, {d.column.header}: {signed(d)}, {relative(d)}"
                )
            ],
        )
        for d in ranked[:BARS]
    ]
    top = ranked[0]
    answer = f"{top.row} ({top.caption}): {value(top.a, top.column)} in A, {value(top.b, top.column)} in B."
    names = {"what": ("Number", "foreign"), "effect": ("Effect", "decimal")}
    brief = grid("effects", "Effects of the figure", names, rows[:BARS])
    figure = Figure("effects", "Where is the effect largest?", answer, bars(items, unit="effect"), brief)
    return Section("differences", "What differs most", lead, (figure,), (table,))


def _side_by_side(found: Compared) -> list[Section]:
    """Each section of the reports that both have, its tables with both sides in each row."""
    tables: dict[str, list[Grid]] = {}
    titles: dict[str, str] = {}
    for section, pair, differences in found.pairs:
        if differences:
            tables.setdefault(section.name, []).append(_both(pair, differences))
            titles[section.name] = section.title
    lead = "A and B in each row; the largest effect first."
    return [Section(name, titles[name], lead, (), grids) for name, grids in tables.items()]


def _both(pair: Pair, differences: Sequence[Difference]) -> Grid:
    columns: dict[str, tuple[str, str]] = {"row": ("Row", "foreign")}
    by_row: dict[str, dict[str, Any]] = {}
    for d in differences:
        key = d.column.key
        columns |= {f"{key}_a": (f"{d.column.header}, A", d.column.kind), f"{key}_b": ("B", d.column.kind)}
        columns[f"{key}_change"] = ("Relative", "text")
        row = by_row.setdefault(d.row, {"row": d.row, "effect": 0.0})
        row |= {f"{key}_a": d.a, f"{key}_b": d.b, f"{key}_change": relative(d)}
        row["effect"] = max(row["effect"], d.effect)
    rows = sorted(by_row.values(), key=lambda row: (-row["effect"], row["row"]))[:ROWS]
    return grid(pair.a.name, pair.a.caption, {**columns, "effect": ("Effect", "decimal")}, rows)


def _settings(found: Compared) -> Section:
    """Keys and versions of the stages and runs that both have, and stages with equal contents."""
    rows: list[dict[str, str]] = []
    same = []
    for stage, settings in found.a.settings.items():
        if stage not in found.b.settings:
            continue
        sides = [("key", settings, found.b.settings[stage])]
        if stage in found.a.manifests and stage in found.b.manifests:
            a, b = found.a.manifests[stage], found.b.manifests[stage]
            same += [stage] if a.digest() == b.digest() else []
            sides.append(("version", a.versions, b.versions))
        for kind, old, new in sides:
            lines = manifest.difference(old, new)
            rows += [{"stage": stage, "kind": kind, "difference": line} for line in lines]
    columns = {"stage": ("Stage", "text"), "kind": ("Kind", "text"), "difference": ("A -> B", "foreign")}
    equal = f"Equal byte by byte: {', '.join(same)}." if same else "No stage of both has equal files."
    tables = [grid("settings", "Settings and versions that differ", columns, rows)] if rows else []
    return Section("settings", "Settings", equal, (), tables)


def _apart(found: Compared) -> Section:
    columns = {"what": ("Subject", "foreign"), "why": ("Why not", "foreign")}
    rows = [{"what": what, "why": why} for what, why in found.apart]
    table = grid("apart", "What has no counterpart", columns, rows)
    return Section("apart", "What cannot be compared", "Of these only one side has numbers.", (), (table,))
