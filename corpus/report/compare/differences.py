"""Numbers of two reports against each other: which row goes with which, and how large a difference is.

The tables of the report are what is compared, so every number that a reader can see takes part, with the unit
that its column has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.report.grids import Column, Grid

WORDS = ("text", "foreign")  # kinds of columns that say what a row is about
NUMBERS = ("count", "percent", "decimal", "number", "size", "duration")
COST = {"timing", "time"}  # tables of time and money: the machine's, not the corpus's
_COST = re.compile(r"second|(^|_)ms(_|$)|cost|price")  # the same of columns
SHARE = "share"  # column of tables whose rows are parts of a whole
WHOLE = "totals_"  # begin of the names of tables whose rows are each a number of its own
_OWNERS = ("stage", "run", "scorer")  # first columns that say whose numbers a row has
_EDGES = ("from", "below")  # of the bins of a histogram
_FEW = 25  # counts of this size and below weigh little: one page more or less is chance


@dataclass(frozen=True)
class Difference:
    """One number on both sides; None where that side has none.

    `effect` orders differences of all units, 0 to about 1: of parts of a whole the change of the share, of
    shares and scores the change itself, of other numbers the change as a share of the larger one.
    """

    table: str
    caption: str
    row: str
    column: Column
    a: float | None
    b: float | None
    effect: float

    @property
    def is_cost(self) -> bool:
        """Whether it is about the machine that did the work, and not about what was made."""
        return self.table in COST or self.column.kind == "duration" or bool(_COST.search(self.column.key))

    @property
    def change(self) -> float | None:
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def relative(self) -> float | None:
        """Change as a share of side A; None where that is 0 or unknown."""
        return None if self.change is None or not self.a else self.change / abs(self.a)


@dataclass(frozen=True)
class Pair:
    """A table of both sides: key columns, number columns, and the rows of each side by key."""

    a: Grid
    b: Grid
    keys: tuple[Column, ...]
    numbers: tuple[Column, ...]
    rows_a: Mapping[tuple[str, ...], Mapping[str, Any]]
    rows_b: Mapping[tuple[str, ...], Mapping[str, Any]]

    @property
    def is_histogram(self) -> bool:
        return all(column.key in _EDGES for column in self.keys)

    def means_none(self, key: tuple[str, ...], side: Grid, most: int) -> bool:
        """Whether a row that a side lacks means 0 there.

        It does not where the list was cut, where rows are places on an axis, and where the row is about a
        whole, a stage or a run that the side does not have at all.
        """
        first = self.keys[0]
        if len(side.rows) >= most or first.kind in NUMBERS or side.name.startswith(WHOLE):
            return False
        rows = self.rows_a if side is self.a else self.rows_b
        return first.key not in _OWNERS or any(other[0] == key[0] for other in rows)


def pair(a: Grid, b: Grid) -> Pair | None:
    """Match the rows of a table of both sides; None where rows have no names that could match."""
    keys = _keys(a, b)
    numbers = tuple(
        column
        for column in a.columns
        if column.kind in NUMBERS and column not in keys and any(column.key == c.key for c in b.columns)
    )
    if not keys or not numbers:
        return None
    found = Pair(a, b, keys, numbers, _by_key(a, keys), _by_key(b, keys))
    numeric = any(column.kind in NUMBERS for column in keys) and not found.is_histogram
    shared = len(found.rows_a.keys() & found.rows_b.keys())
    # points of curves that were not measured at the same places say nothing row by row
    return None if numeric and 2 * shared < max(len(found.rows_a), len(found.rows_b)) else found


def between(found: Pair, most: int) -> list[Difference]:
    """The differences of a pair of tables. `most` is the length at which top lists are cut."""
    if found.is_histogram:
        return list(_shapes(found))
    out = []
    for key in sorted(found.rows_a.keys() | found.rows_b.keys()):
        row_a, row_b = found.rows_a.get(key), found.rows_b.get(key)
        for column in found.numbers:
            a = _value(row_a, column, absent=found.means_none(key, found.a, most))
            b = _value(row_b, column, absent=found.means_none(key, found.b, most))
            if a is None and b is None:
                continue
            effect = _effect(column, a, b, row_a, row_b)
            out.append(
                Difference(
                    found.a.name,
                    found.a.caption,
                    ", ".join(word for word in key if word),
                    column,
                    a,
                    b,
                    effect,
                )
            )
    return out


def _shapes(found: Pair) -> Iterator[Difference]:
    """Of each distribution the share of the rows that lie in other bins than on the other side."""
    for column in found.numbers:
        totals = [
            sum(float(row.get(column.key) or 0) for row in rows.values())
            for rows in (found.rows_a, found.rows_b)
        ]
        if column.kind != "count" or not all(totals):
            continue
        moved = 0.5 * sum(
            abs(
                _number(found.rows_a.get(key), column) / totals[0]
                - _number(found.rows_b.get(key), column) / totals[1]
            )
            for key in found.rows_a.keys() | found.rows_b.keys()
        )
        name = Column(column.key, f"{column.header} in other bins", "percent")
        yield Difference(found.a.name, found.a.caption, found.a.caption, name, None, moved, moved)


def _keys(a: Grid, b: Grid) -> tuple[Column, ...]:
    """The columns that name a row: words, and as many numbers after them as make the names unique."""
    common = [column for column in a.columns if any(column.key == other.key for other in b.columns)]
    edges = tuple(column for column in common if column.key in _EDGES)
    words = tuple(column for column in common if column.kind in WORDS)
    if edges:
        return (*words, *edges)
    rest = [column for column in common if column.kind in NUMBERS]
    keys = words or tuple(rest[:1])
    while keys and not (_unique(a, keys) and _unique(b, keys)):
        more = [column for column in rest if column not in keys]
        if not more:
            return ()
        keys = (*keys, more[0])
    return keys


def _unique(table: Grid, keys: Sequence[Column]) -> bool:
    return len(_by_key(table, keys)) == len(table.rows)


def _by_key(table: Grid, keys: Sequence[Column]) -> dict[tuple[str, ...], Mapping[str, Any]]:
    return {tuple(_name(row.get(column.key)) for column in keys): row for row in table.rows}


def _name(value: Any) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _value(row: Mapping[str, Any] | None, column: Column, *, absent: bool) -> float | None:
    """The number in a row. A row that is not there is 0 for counts and shares, unless its list was cut."""
    if row is None:
        return 0.0 if absent and column.kind in ("count", "percent") else None
    value = row.get(column.key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _number(row: Mapping[str, Any] | None, column: Column) -> float:
    return _value(row, column, absent=True) or 0.0


def _effect(
    column: Column,
    a: float | None,
    b: float | None,
    row_a: Mapping[str, Any] | None,
    row_b: Mapping[str, Any] | None,
) -> float:
    if a is None or b is None:
        return 0.0
    if column.kind == "percent":
        return abs(b - a)
    if column.kind == "decimal":
        return abs(b - a) / max(1.0, abs(a), abs(b))
    shares = [float(row.get(SHARE) or 0) for row in (row_a, row_b) if row and SHARE in row]
    if column.kind == "count" and shares:
        of_a, of_b = (float((row or {}).get(SHARE) or 0) for row in (row_a, row_b))
        return abs(of_b - of_a)
    return abs(b - a) / (max(abs(a), abs(b)) + (_FEW if column.kind == "count" else 1e-9))
