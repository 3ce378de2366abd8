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
    "excerpt": lambda value: markup.foreign("–" if value is None else value, 300),
    "command": lambda value: "–" if value is None else f"<code>{markup.text(value)}</code>",
    "link": markup.link,
    "count": markup.count,
    "percent": markup.percent,
    "decimal": markup.decimal,
    "number": markup.short,
    "size": markup.size,
    "duration": markup.duration,
}
_WORDS = ("text", "foreign", "list", "excerpt", "command", "link")
_CLASSES = {"foreign": "w", "excerpt": "x", "command": "c"}
_RUNS_IN_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """`kind` is a key of the formats above: how the value is written, and whether it sorts as a number."""

    key: str
    header: str
    kind: str = "text"


@dataclass(frozen=True)
class Grid:
    """`name` names the CSV file; `caption` says what one row is.

    Rows that agree in the columns of `fold` stand together on the page, behind one line that can be opened.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]]
    fold: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether it fits beside a figure: few columns, most of them numbers."""
        wide = sum(12 if column.kind in _WORDS else 5 for column in self.columns)
        return not self.fold and wide <= 30


def grid(
    name: str,
    caption: str,
    columns: Mapping[str, tuple[str, str]],
    rows: Sequence[Mapping[str, Any]],
    fold: Sequence[str] = (),
) -> Grid:
    """`columns` maps keys of the rows to (header, kind)."""
    return Grid(name, caption, tuple(Column(key, *head) for key, head in columns.items()), rows, tuple(fold))


def to_html(table: Grid) -> str:
    """A table with a caption and header cells; the first column is the row's header."""
    if table.fold:
        return _folded(table)
    source = f'<a href="tables/{table.name}.csv">{table.name}.csv</a>'
    caption = f"<caption><div>{markup.text(table.caption)} <span>{source}</span></div></caption>"
    return _region(table.caption, f"{caption}{_body(table.columns, table.rows)}")


def _region(label: str, inside: str) -> str:
    """What scrolls by itself and can be reached by the keyboard."""
    name = markup.text(label)
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{name}"><table>{inside}</table></div>'


def _body(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(
        f'<th scope="col"{"" if column.kind in _WORDS else " class=n"}>{markup.text(column.header)}</th>'
        for column in columns
    )
    lines = "\n".join(f"<tr>{_cells(columns, row)}</tr>" for row in rows)
    return f"<thead><tr>{head}</tr></thead><tbody>\n{lines}\n</tbody>"


def _folded(table: Grid) -> str:
    """One line for each group of rows, which opens to a table of the other columns."""
    heads = [column for column in table.columns if column.key in table.fold]
    rest = [column for column in table.columns if column.key not in table.fold]
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in table.rows:
        groups.setdefault(tuple(_FORMATS[column.kind](row.get(column.key)) for column in heads), []).append(
            row
        )
    lines = [
        f"<details><summary>{' · '.join(head)}</summary>{_region(table.caption, _body(rest, rows))}</details>"
        for head, rows in groups.items()
    ]
    source = f'<a href="tables/{table.name}.csv">{table.name}.csv</a>'
    head = f'<p class="caption">{markup.text(table.caption)} <span>{source}</span></p>'
    return f'<div class="fold">{head}{"".join(lines)}</div>'


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
            wide = f" class={_CLASSES[column.kind]}" if column.kind in _CLASSES else ""
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
