"""The walk over a page's main area: elements to blocks of text."""

from __future__ import annotations

from corpus.crawl.extract import leaves
from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.tree import Page
from corpus.crawl.extract.writer import MAX_INDENT, Block, Writer

_INLINE, _BLOCK, _PARAGRAPH, _LIST, _ITEM, _DEFINITIONS, _DEFINITION, _QUOTE, _BREAK, _RULE, _LEAF = range(11)
_KINDS = {
    **dict.fromkeys(
        v.names(
            "div section article main header footer nav aside address center fieldset form details "
            "figure figcaption summary tr td th tbody thead tfoot caption legend hgroup body html "
            "frameset noframes search"
        ),
        _BLOCK,
    ),
    **dict.fromkeys(v.names("h1 h2 h3 h4 h5 h6 pre xmp listing plaintext table dt"), _LEAF),
    **dict.fromkeys(v.names("ul ol menu dir"), _LIST),
    "p": _PARAGRAPH,
    "li": _ITEM,
    "dl": _DEFINITIONS,
    "dd": _DEFINITION,
    "blockquote": _QUOTE,
    "br": _BREAK,
    "hr": _RULE,
}
_LEAVES: dict[str, leaves.Leaf] = {
    **dict.fromkeys(v.names("h1 h2 h3 h4 h5 h6"), leaves.heading),
    **dict.fromkeys(v.names("pre xmp listing plaintext"), leaves.preformatted),
    "table": leaves.table,
    "dt": leaves.term,
}
_INDENTING = frozenset((_LIST, _ITEM, _DEFINITIONS, _DEFINITION, _QUOTE))
_PARTING = frozenset((_QUOTE, _RULE))  # a blank line before and after, wherever they stand
_DEFINITION_INDENT = 4
_QUOTED = 0.4  # share of the area's characters above which a `blockquote` is no quotation


def blocks(page: Page, start: int, skip: list[bool]) -> list[Block]:
    """The blocks of element `start`, without the elements that are marked in `skip`."""
    return _Walk(page, start, skip).run()


class _Walk:
    def __init__(self, page: Page, start: int, skip: list[bool]) -> None:
        self.page, self.start, self.skip = page, start, skip
        self.writer = Writer()
        self.open: list[tuple[int, int, int]] = []  # element, its kind, the indentation around it
        self.lists: list[int] = []  # number of the next item of each open list; -1 where it has no numbers

    def run(self) -> list[Block]:
        page, skip, writer, open_ = self.page, self.skip, self.writer, self.open
        tags, texts, tails, ends, marks = page.tags, page.texts, page.tails, page.ends, page.marks
        parts, kinds = writer.parts, _KINDS
        i, end = self.start, ends[self.start]
        while True:
            while open_ and ends[open_[-1][0]] <= i:
                self._close()
            if i >= end:
                break
            if skip[i]:
                parts.append(tails[i] if i != self.start else "")
                i = ends[i]
                continue
            kind = kinds.get(tags[i], _INLINE)
            if kind != _INLINE or marks[i] & v.CODE:
                i = self._enter(i, kind)
                continue
            if tags[i] == "a":
                writer.links += page.mass[i]
            elif tags[i] == "label":
                parts.append(" ")
            if texts[i]:
                parts.append(texts[i])
            open_.append((i, _INLINE, 0))
            i += 1
        writer.flush()
        return writer.out

    def _enter(self, i: int, kind: int) -> int:
        """Begin an element that is not inline; the index to go on with."""
        page, writer = self.page, self.writer
        if kind == _BREAK:
            writer.line_break()
            writer.parts.append(page.tails[i])
            return i + 1
        writer.flush()
        leaf = leaves.lines_of_code if page.marks[i] & v.CODE else _LEAVES.get(page.tags[i])
        if leaf is not None and leaf(page, i, self.skip, writer):
            if i != self.start:
                writer.parts.append(page.tails[i])
            return page.ends[i]
        self.open.append((i, kind, writer.indent))
        self._begin(i, kind)
        if page.texts[i]:
            writer.parts.append(page.texts[i])
        return i + 1

    def _begin(self, i: int, kind: int) -> None:
        writer = self.writer
        if kind == _PARAGRAPH:
            writer.paragraph()
        elif kind in (_LIST, _DEFINITIONS):
            if not self.lists:
                writer.part()
            self.lists.append(_first(self.page, i) if kind == _LIST else -1)
        elif kind == _ITEM:
            writer.marker, writer.fresh = self._marker(), True
        elif kind == _DEFINITION:
            writer.indent = min(writer.indent + _DEFINITION_INDENT, MAX_INDENT)
            writer.fresh = True
        elif kind in _PARTING:
            writer.part()
            writer.quotes += kind == _QUOTE and self._is_quotation(i)

    def _close(self) -> None:
        i, kind, indent = self.open.pop()
        writer = self.writer
        if kind != _INLINE:
            writer.flush()
            self._end(i, kind)
            if kind in _INDENTING:
                writer.indent = indent
        if i != self.start and self.page.tails[i]:
            writer.parts.append(self.page.tails[i])

    def _end(self, i: int, kind: int) -> None:
        writer = self.writer
        if kind in (_LIST, _DEFINITIONS):
            self.lists.pop()
        if kind in (_PARAGRAPH, _LIST, _DEFINITIONS) and not self.lists:
            writer.part()
        elif kind in (_ITEM, _DEFINITION):
            writer.marker, writer.fresh = "", False
        elif kind in _PARTING:
            writer.part()
            writer.quotes -= kind == _QUOTE and self._is_quotation(i)

    def _marker(self) -> str:
        if not self.lists or self.lists[-1] < 0:
            return "- "
        self.lists[-1] += 1
        return f"{self.lists[-1] - 1}. "

    def _is_quotation(self, i: int) -> bool:
        """Around much of a page a `blockquote` only indents."""
        return self.page.mass[i] < _QUOTED * self.page.mass[self.start]


def _first(page: Page, i: int) -> int:
    """The first number of a list; -1 for one without numbers."""
    if page.tags[i] != "ol":
        return -1
    start = page.get(i, "start")
    return int(start) if start.isdecimal() and len(start) < 7 else 1
