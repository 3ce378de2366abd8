"""Tables of the report: one description, written as HTML and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.report import markup

_FORMATS: dict[str, Callable[[Any], str]] = {
    "text": lambda value: markup.text("–" if value is None else value),
    "foreign": lambda value: markup.foreign("–" if value is None else value),
    "list": lambda value: ", ".join(markup.foreign(item, 60) for item in value or ()) or "–",
    "count": markup.count,
    "percent": markup.percent,
    "decimal": markup.decimal,
    "number": markup.short,
    "size": markup.size,
    "duration": markup.duration,
}
_WORDS = ("text", "foreign", "list")
_RUNS_IN_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """`kind` is a key of the formats above: how the value is written, and whether it sorts as a number."""

    key: str
    header: str
    kind: str = "text"


@dataclass(frozen=True)
class Grid:
    """`name` names the CSV file; `caption` says what one row is."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]]

    @property
    def narrow(self) -> bool:
        """Whether it fits beside a figure: few columns, most of them numbers."""
        return sum(12 if column.kind in _WORDS else 5 for column in self.columns) <= 30


def grid(
    name: str, caption: str, columns: Mapping[str, tuple[str, str]], rows: Sequence[Mapping[str, Any]]
) -> Grid:
    """`columns` maps keys of the rows to (header, kind)."""
    return Grid(name, caption, tuple(Column(key, *head) for key, head in columns.items()), rows)


def to_html(table: Grid) -> str:
    """A table with a caption and header cells; the first column is the row's header."""
    head = "".join(
        f'<th scope="col"{"" if column.kind in _WORDS else " class=n"}>{markup.text(column.header)}</th>'
        for column in table.columns
    )
    body = "\n".join(f"<tr>{_cells(table.columns, row)}</tr>" for row in table.rows)
    source = f'<a href="tables/{table.name}.csv">{table.name}.csv</a>'
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{markup.text(table.caption)}"><table>'
        f"<caption><div>{markup.text(table.caption)} <span>{source}</span></div></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def to_csv(table: Grid) -> bytes:
    """UTF-8 with plain numbers. Text that a spreadsheet would run as a formula gets an apostrophe."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    for row in table.rows:
        writer.writerow([_plain(row.get(column.key)) for column in table.columns])
    return stream.getvalue().encode("utf-8", "backslashreplace")


def _cells(columns: Sequence[Column], row: Mapping[str, Any]) -> str:
    cells = []
    for at, column in enumerate(columns):
        value = row.get(column.key)
        shown = _FORMATS[column.kind](value)
        if column.kind in _WORDS:
            wide = " class=w" if column.kind == "foreign" else ""
            cells.append(f'<th scope="row"{wide}>{shown}</th>' if at == 0 else f"<td{wide}>{shown}</td>")
        else:
            cells.append(f'<td class=n data-v="{"" if value is None else repr(value)}">{shown}</td>')
    return "".join(cells)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = "; ".join(str(item) for item in value)
    if isinstance(value, str):
        shown = markup.visible(value)
        return f"'{shown}" if shown.startswith(_RUNS_IN_SPREADSHEETS) else shown
    return value
