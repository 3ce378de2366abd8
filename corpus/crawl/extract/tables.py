"""Tables: which hold data and which lay a page out, and the former's cells row by row."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.crawl.extract import code
from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.tree import Page

_BLOCKS = v.names("p ul ol dl pre blockquote h1 h2 h3 h4 h5 h6 hr article section form")
_HEADINGS = v.names("h1 h2 h3 h4 h5 h6")
_BREAKS = v.names(
    "p div ul ol dl li dt dd tr td th table pre blockquote section h1 h2 h3 h4 h5 h6 br hr caption"
)
_LONG = 1_500  # characters; a cell of more, with blocks in it, lays out


@dataclass
class Row:
    """Cells as text, and the code blocks of more than one line that stand in them."""

    cells: list[str]
    blocks: list[int] = field(default_factory=list)
    level: int = 0  # of the heading that the row is, if it is one


def cells_of(page: Page, i: int) -> list[list[int]]:
    """The indexes of a table's own cells by row; those of tables inside it are not its own."""
    rows: list[list[int]] = []
    j, end = i + 1, page.ends[i]
    while j < end:
        tag = page.tags[j]
        if tag == "tr":
            rows.append([])
        elif tag in ("td", "th"):
            if not rows:
                rows.append([])
            rows[-1].append(j)
            j = page.ends[j]
            continue
        elif tag == "table":
            j = page.ends[j]
            continue
        j += 1
    return rows


def is_data(page: Page, i: int, rows: list[list[int]]) -> bool:
    """Whether a table holds data. One of one column, or with headings or tables in its cells, does not."""
    if page.get(i, "role") in ("presentation", "none") or not rows or max(map(len, rows)) < 2:
        return False
    counts = dict.fromkeys(("table", "heading", "block", "pre", "th"), 0)
    for j in range(i + 1, page.ends[i]):
        tag = page.tags[j]
        if tag in _HEADINGS:
            counts["heading"] += 1
        elif tag in ("table", "pre", "th"):
            counts[tag] += 1
        if tag in _BLOCKS:
            counts["block"] += 1
    marked = bool(counts["th"] or page.marks[i] & v.DATA)
    if counts["pre"] > 1 and len(rows) == 1:  # code beside its line numbers, or beside other code
        return False
    nested = counts["table"] and any(
        _holds_data(page, j) for j in range(i + 1, page.ends[i]) if page.tags[j] == "table"
    )
    if nested or (counts["heading"] and not marked) or counts["heading"] > len(rows):
        return False
    longest = max(page.mass[cell] for row in rows for cell in row)
    if longest > _LONG and counts["block"] > (8 if marked else 2):
        return False
    if len(rows) == 1 and not marked:
        return longest < 300 and counts["block"] <= len(rows[0])
    return True


def _holds_data(page: Page, i: int) -> bool:
    rows = cells_of(page, i)
    return len(rows) > 1 and max(map(len, rows)) > 1


def is_code(page: Page, i: int, rows: list[list[int]], skip: list[bool]) -> bool:
    """Whether each row is a line of code behind its number."""
    if len(rows) < 2 or any(len(row) not in (1, 2, 3) for row in rows):
        return False
    named = " ".join(
        page.get(j, "class") for j in (page.parents[i], i, rows[0][0], rows[0][-1]) if j >= 0
    ).lower()
    if not any(
        word in named
        for word in ("code", "highlight", "blob", "hljs", "rouge", "line", "src", "source", "diff")
    ):
        return False
    first = [row[0] for row in rows if len(row) > 1]
    return len(first) > len(rows) / 2 and all(
        skip[j]
        or page.marks[j] & v.LINE_NUMBER
        or page.text(j).isdecimal()
        or page.get(j, "data-line-number")
        for j in first
    )


def code_lines(page: Page, rows: list[list[int]], skip: list[bool]) -> str:
    return "\n".join(code.code_text(page, row[-1], skip) for row in rows)


def read(page: Page, rows: list[list[int]], skip: list[bool]) -> list[Row]:
    """The rows that are not empty."""
    found = []
    for row in rows:
        blocks: list[int] = []
        cells = [
            flat(page, cell, skip, blocks)
            for cell in row
            if not skip[cell] and not page.marks[cell] & v.LINE_NUMBER
        ]
        if any(cells) or blocks:
            found.append(Row(cells, blocks, _level(page, row) if sum(map(bool, cells)) == 1 else 0))
    return found


def _level(page: Page, row: list[int]) -> int:
    """The level of the heading in a row."""
    for cell in row:
        for j in range(cell, min(page.ends[cell], cell + 4)):
            if page.tags[j] in _HEADINGS:
                return int(page.tags[j][1])
    return 0


def flat(page: Page, i: int, skip: list[bool], blocks: list[int] | None = None) -> str:
    """An element's text on one line; code of several lines goes to `blocks` instead, by its index."""
    tags, texts, tails, ends = page.tags, page.texts, page.tails, page.ends
    if ends[i] == i + 1:
        return " ".join(texts[i].split())
    parts: list[str] = [texts[i]]
    open_: list[int] = []
    end, j = ends[i], i + 1
    while True:
        while open_ and ends[open_[-1]] <= j:
            done = open_.pop()
            if tags[done] in _BREAKS:
                parts.append(" ")
            parts.append(tails[done])
        if j >= end:
            break
        tag = tags[j]
        if skip[j]:
            parts.append(tails[j])
            j = ends[j]
            continue
        if tag == "pre" and blocks is not None and "\n" in code.code_text(page, j, skip):
            blocks.append(j)
            parts.append(" " + tails[j])
            j = ends[j]
            continue
        if tag in _BREAKS:
            parts.append(" ")
        parts.append(texts[j])
        open_.append(j)
        j += 1
    return " ".join("".join(parts).split())
