"""How much of a page's code and tables a text has kept, measured on the text."""

from __future__ import annotations

from corpus.crawl.extract import code, tables
from corpus.crawl.extract.tree import Page

_SEARCHES = 300  # cells that are looked for in the whole text, which is slow, where no cell of it equals them


def kept(page: Page, start: int, skip: list[bool], text: str) -> float:
    """Share of the area's non-blank code lines and table cells that stand in the text; 1.0 where it has none.

    Code lines count if they stand in it with their indentation, cells if their text does on one line.
    """
    lines, cells = _expected(page, start, skip)
    if not lines and not cells:
        return 1.0
    there = {line.rstrip() for line in text.split("\n")}
    found = sum(line in there for line in lines)
    wide = {cell.strip() for line in there for cell in line.split(" | ")}
    missing = [cell for cell in cells if cell not in wide]
    found += len(cells) - len(missing)
    flat = " ".join(text.split()) if missing else ""
    found += sum(cell in flat for cell in missing[:_SEARCHES])
    return found / (len(lines) + len(cells))


def _expected(page: Page, start: int, skip: list[bool]) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    cells: list[str] = []
    i, end = start, page.ends[start]
    while i < end:
        if skip[i]:
            i = page.ends[i]
            continue
        tag = page.tags[i]
        if tag == "pre":
            lines += [line.rstrip() for line in code.code_text(page, i, skip).split("\n") if line.strip()]
            i = page.ends[i]
            continue
        if tag in ("td", "th") and not any(
            page.tags[j] in ("pre", "table") for j in range(i + 1, min(page.ends[i], i + 200))
        ):
            text = tables.flat(page, i, skip)
            cells += [text] if text else []
        i += 1
    return lines, cells
