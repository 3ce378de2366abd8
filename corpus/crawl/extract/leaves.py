"""Elements that are written as a whole: headings, terms, code and data tables.

Each function returns False for an element that is none of its kind after all, such as a table that lays out.
"""

from __future__ import annotations

from collections.abc import Callable

from corpus.crawl.extract import code, tables
from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.tree import Page
from corpus.crawl.extract.writer import Writer

_NOT_IN_HEADINGS = v.names("pre table ul ol p dl")
_NOT_IN_TERMS = v.names("pre xmp listing plaintext table ul ol")
_CELLS = v.names("td th table")
_LINKED = 0.6  # share of characters in links that makes a table's rows lines of links

Leaf = Callable[[Page, int, list[bool], Writer], bool]


def heading(page: Page, i: int, skip: list[bool], writer: Writer) -> bool:
    if any(page.tags[j] in _NOT_IN_HEADINGS for j in range(i + 1, min(page.ends[i], i + 60))):
        return False  # one that was never closed
    text = tables.flat(page, i, skip)
    if text:
        writer.alone("heading", f"{'#' * int(page.tags[i][1])} {text}", page.link[i])
    return True


def term(page: Page, i: int, skip: list[bool], writer: Writer) -> bool:
    if any(page.tags[j] in _NOT_IN_TERMS for j in range(i + 1, page.ends[i])):
        writer.part()
        return False
    text = tables.flat(page, i, skip)
    if text:
        if not (writer.out and writer.out[-1].kind == "term"):
            writer.part()
        writer.links = page.link[i]
        writer.add("term", text)
    return True


def preformatted(page: Page, i: int, skip: list[bool], writer: Writer) -> bool:
    text = code.code_text(page, i, skip)
    if text.strip() and not (_in_cell(page, i) and code.numbers_only(text)):
        writer.alone("code", code.fence(text, code.language(page, i)))
    return True


def lines_of_code(page: Page, i: int, skip: list[bool], writer: Writer) -> bool:
    """Code in `div` elements with a class for it."""
    inside = range(i + 1, page.ends[i])
    if any(page.tags[j] == "pre" for j in inside) or page.tags[i] in ("tr", "td", "th", "tbody"):
        return False
    if not any("line" in page.get(j, "class").split() for j in inside):
        return False
    return preformatted(page, i, skip, writer)


def table(page: Page, i: int, skip: list[bool], writer: Writer) -> bool:
    writer.part()
    if page.marks[i] & v.SIGNATURE:
        writer.add("term", tables.flat(page, i, skip))
        writer.part()
        return True
    rows = tables.cells_of(page, i)
    if tables.is_code(page, i, rows, skip):
        text = tables.code_lines(page, rows, skip).rstrip()
        if text:
            writer.alone("code", code.fence(text, code.language(page, i)))
        return True
    if not tables.is_data(page, i, rows):
        return False
    for j in range(i + 1, min(page.ends[i], i + 6)):
        if page.tags[j] == "caption":
            writer.add("text", tables.flat(page, j, skip))
    linked = page.link[i] > _LINKED * page.mass[i]
    for row in tables.read(page, rows, skip):
        if row.level:
            writer.alone("heading", f"{'#' * row.level} {' '.join(filter(None, row.cells))}")
            continue
        line = " | ".join(row.cells)
        writer.row(line, len(line) if linked else 0)
        for block in row.blocks:
            preformatted(page, block, skip, writer)
    writer.part()
    return True


def _in_cell(page: Page, i: int) -> bool:
    for _ in range(4):
        i = page.parents[i]
        if i < 0:
            return False
        if page.tags[i] in _CELLS:
            return True
    return False
