"""`<pre>` as a reader sees it, and how much of it an output keeps to the letter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from lxml.html import HtmlElement

from tests.benchmarks.extraction.normal import BULLETS, tidy

_BLOCKS = frozenset({"div", "p", "li", "tr", "ol", "ul", "table", "tbody", "blockquote"})
_NUMBER_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:linenos?|linenumbers?|line-?numbers?|ln|gutter|blob-num|linenodiv|lnt|listing_lines)(?:$|[\s_-])"
)
_LINE_CLASSES = re.compile(r"(?:^|\s)(?:line|code-line|token-line|view-line|cl)(?:$|\s)")
_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})")


def code_line(line: str) -> str:
    """A line as it is compared: indentation to the letter, blanks at its end aside."""
    return tidy(line).rstrip()


def code_lines(pre: HtmlElement, skipped: Collection[HtmlElement] = ()) -> list[str]:
    """The lines that are not blank, with their indentation; columns of line numbers are left out."""
    pieces = list(_pieces(pre, skipped, _lines_by_style(pre)))
    lines = (
        code_line(line) for line in "".join(pieces).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    )
    return [line for line in lines if line]


def is_numbers(element: HtmlElement) -> bool:
    """A column or mark of line numbers beside the code."""
    if not _NUMBER_CLASSES.search(element.get("class") or ""):
        return False
    return not element.text_content().strip(" \n\t\r0123456789\u00a0|:.")


def _pieces(element: HtmlElement, skipped: Collection[HtmlElement], by_style: bool) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and child not in skipped and not is_numbers(child):
            own_line = child.tag in _BLOCKS or (by_style and _is_line(child))
            if child.tag == "br":
                yield "\n"
            elif own_line:
                yield "\n"
                yield from _pieces(child, skipped, by_style)
                yield "\n"
            else:
                yield from _pieces(child, skipped, by_style)
        yield child.tail or ""


def _lines_by_style(pre: HtmlElement) -> bool:
    """No line break in the text at all, but nothing beside elements that a style sheet puts on lines of their own."""
    if "\n" in pre.text_content().strip():
        return False
    first = next((child for child in pre.iter("span", "code") if _is_line(child)), None)
    if first is None:
        return False
    above = first.getparent()
    loose = "".join([above.text or "", *(child.tail or "" for child in above)]).strip()
    return not loose and len(above) > 1 and all(_is_line(child) for child in above)


def _is_line(element: HtmlElement) -> bool:
    if element.tag == "code":
        parent = element.getparent()
        return parent is not None and parent.tag == "pre" and len(parent) > 1
    return element.tag == "span" and bool(_LINE_CLASSES.search(element.get("class") or ""))


class CodeKept:
    """The lines of an output, each of which can stand for one line of code."""

    def __init__(self, output: str) -> None:
        lines = list(_unfenced(output))
        self._exact = Counter(lines)
        self._shown: dict[str, set[str]] = {}  # text without indentation -> the indentations it has
        for line in self._exact:
            bare = line.lstrip()
            self._shown.setdefault(bare, set()).add(line[: len(line) - len(bare)])
        self._marked = Counter(part for line in lines for part in _without_marks(line) if part != line)

    def lost(self, block: Sequence[str]) -> list[str]:
        """The lines of a block that are not there any more; those that are there are taken.

        A block may stand deeper as a whole (under a list item, or as an indented block), never with its lines
        moved against each other.
        """
        kept, shift = Counter[str](), ""
        for candidate in self._shifts(block):
            found = Counter(candidate + line for line in block) & self._exact
            if sum(found.values()) > sum(kept.values()):
                kept, shift = found, candidate
        self._exact -= kept
        lost = []
        for line in block:
            if kept[shift + line]:
                kept[shift + line] -= 1
            elif self._marked[line]:
                self._marked[line] -= 1
            else:
                lost.append(line)
        return lost

    def _shifts(self, block: Sequence[str]) -> list[str]:
        """Nothing, then the deeper places where the longest line of the block is found."""
        longest = max(block, key=len)
        bare = longest.lstrip()
        own = longest[: len(longest) - len(bare)]
        shown = self._shown.get(bare, set())
        deeper = {indent[: len(indent) - len(own)] for indent in shown if indent.endswith(own)}
        return ["", *sorted(deeper - {""}, key=len)[:8]]


def _unfenced(output: str) -> Iterator[str]:
    """Lines of an output; those of a fenced block that stands deeper are moved back by what the fence stands in."""
    fence = indent = ""
    for raw in output.split("\n"):
        line = code_line(raw)
        found = _FENCE.match(line)
        if found and not fence:
            indent, fence = found.groups()
        elif found and line.strip() == fence:
            fence = indent = ""
        elif fence and indent and line.startswith(indent):
            line = line[len(indent) :]
        if line:
            yield line


def _without_marks(line: str) -> Iterator[str]:
    """What stands in a line beside Markdown: behind a bullet, in a cell, in backticks."""
    bare = line.strip()
    while bare[:1] in BULLETS and bare[1:2] == " ":
        bare = bare[2:].strip()
    for part in {bare, *(cell.strip() for cell in bare.split("|"))}:
        if part:
            yield part.strip("`").strip() if part.startswith("`") and part.endswith("`") else part
