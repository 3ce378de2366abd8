"""Tables for papers: booktabs, one float per table, all text escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from corpus.report import markup
from corpus.report.grids import Column, Grid

LONGEST = 40  # rows that fit on a page; longer tables break over pages with longtable
CELL = 60  # characters of a text in a cell; the CSV has all of it
PREAMBLE = "% \\usepackage[T1]{fontenc} \\usepackage{booktabs, longtable}\n"
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "\u202f": r"\,",
    "\u00a0": "~",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "·": r"\textperiodcentered{}",
    "×": r"\texttimes{}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\to$",
    "−": r"$-$",
    "µ": r"\textmu{}",
}
_SPECIAL = re.compile("|".join(re.escape(char) for char in _ESCAPES))
# `--` and `?`` become other characters in T1 fonts; letters beyond Latin have no glyph in them.
_LIGATURE = re.compile(r"([-?!`',<>])(?=[-`',<>])")
_NO_GLYPH = re.compile("[^\x20-\x7e\u00a0-\u017f]")
_FORMATS: Mapping[str, Callable[[Any], str]] = {
    "count": markup.count,
    "percent": markup.percent,
    "decimal": markup.decimal,
    "number": markup.short,
    "size": markup.size,
    "duration": markup.duration,
}


def to_latex(table: Grid, *, label: str = "") -> bytes:
    """A `table` float, or a `longtable` where the rows fill more than a page; Latin letters alone."""
    columns = "".join("r" if column.kind in _FORMATS else "l" for column in table.columns)
    heads = " & ".join(escape(column.header) for column in table.columns)
    body = [" & ".join(_cell(column, row.get(column.key)) for column in table.columns) for row in table.rows]
    name = f"\\caption{{{escape(table.caption)}}}\\label{{tab:{label or table.name}}}"
    long = len(table.rows) > LONGEST
    lines = _long(columns, name, heads, body) if long else _float(columns, name, heads, body)
    return (PREAMBLE + "\n".join(lines) + "\n").encode("utf-8")


def escape(value: Any) -> str:
    """Text that TeX prints as it is; characters without a glyph as [U+4E2D]."""
    shown = markup.visible(value).replace("\n", " ").replace("\t", " ")
    parted = _LIGATURE.sub("\\1\0", shown)
    written = _SPECIAL.sub(lambda found: _ESCAPES[found[0]], parted)
    named = _NO_GLYPH.sub(lambda found: "{}" if found[0] == "\0" else f"[U+{ord(found[0]):04X}]", written)
    return "{}" + named if named.startswith(("[", "*")) else named  # behind \\\\ both mean something else


def _cell(column: Column, value: Any) -> str:
    if column.kind in _FORMATS:
        return escape(_FORMATS[column.kind](value))
    if value is None:
        return "--"
    words = ", ".join(str(item) for item in value) if isinstance(value, (list, tuple)) else str(value)
    return escape(words if len(words) <= CELL else f"{words[: CELL - 1]}…") or "--"


def _float(columns: str, name: str, heads: str, body: Sequence[str]) -> list[str]:
    rows = [f"{row} \\\\" for row in body]
    begin = ["\\begin{table}[t]", "\\centering", name, f"\\begin{{tabular}}{{{columns}}}"]
    return [
        *begin,
        "\\toprule",
        f"{heads} \\\\",
        "\\midrule",
        *rows,
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]


def _long(columns: str, name: str, heads: str, body: Sequence[str]) -> list[str]:
    head = ["\\toprule", f"{heads} \\\\", "\\midrule", "\\endhead", "\\bottomrule", "\\endfoot"]
    rows = [f"{row} \\\\" for row in body]
    return [f"\\begin{{longtable}}{{{columns}}}", f"{name}\\\\", *head, *rows, "\\end{longtable}"]
