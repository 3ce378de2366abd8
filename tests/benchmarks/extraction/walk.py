"""From the elements of an area to what they hold, each run of text once and under one kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lxml.html import HtmlElement

from tests.benchmarks.extraction.code import code_lines, is_numbers
from tests.benchmarks.extraction.normal import item
from tests.benchmarks.extraction.truth import Truth

UNSEEN = frozenset({"script", "style", "template", "head", "link", "meta"})
NOTHING: frozenset[HtmlElement] = frozenset()
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LISTS = ("ul", "ol", "dl")
_PREFORMATTED = frozenset({"pre", "listing", "xmp", "plaintext"})
# fmt: off
_INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "label", "mark", "meter", "nobr", "output", "q", "rp", "rt", "ruby", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
})
# fmt: on
_LONG_CELL = 1_500  # characters; a cell that holds more is a part of the page's layout


@dataclass(frozen=True)
class Chosen:
    """The elements that a site's selectors find on one page."""

    main: list[HtmlElement]
    dropped: frozenset[HtmlElement] = NOTHING
    neutral: frozenset[HtmlElement] = NOTHING
    signatures: frozenset[HtmlElement] = NOTHING
    layout: frozenset[HtmlElement] = NOTHING
    code: frozenset[HtmlElement] = NOTHING


class Walk:
    """Goes through an area once and puts each run of text under its kind."""

    def __init__(self, truth: Truth, chosen: Chosen, *, all_text: bool = False) -> None:
        self.truth = truth
        self._chosen = chosen
        self._skipped = chosen.dropped | chosen.neutral
        self._all_text = all_text  # only `inside` is asked for
        self._run: list[str] = []
        self._in_item = False  # the next run is the first of its list item

    def block(self, element: HtmlElement) -> None:
        self._flush()
        self._children(element)
        self._flush()

    def _children(self, element: HtmlElement) -> None:
        self._run.append(element.text or "")
        for child in element:
            if isinstance(child.tag, str):
                self._visit(child)
            self._run.append(child.tail or "")

    def _visit(self, element: HtmlElement) -> None:
        tag, chosen = element.tag, self._chosen
        if tag in UNSEEN or element in chosen.dropped:
            return
        if element in chosen.neutral:
            if not self._all_text:  # in the walk outside, these are the main areas themselves
                self._flush()
                self._seen(_text(element, chosen.dropped))
        elif tag in _PREFORMATTED or element in chosen.code:
            self._code(element)
        elif tag in _HEADINGS:
            self._heading(element)
        elif tag == "dt" or element in chosen.signatures:
            self._term(element)
        elif tag == "table" and not self._all_text and self._is_data(element):
            self._table(element)
        elif tag == "li":
            self._item(element)
        elif tag == "br":
            self._run.append("\n" if self._all_text else " ")
        elif tag in _INLINE:
            self._children(element)
        else:
            self.block(element)

    def _flush(self) -> None:
        text = " ".join("".join(self._run).split())
        self._run.clear()
        if not item(text):
            return
        self._seen(text)
        (self.truth.items if self._in_item else self.truth.paragraphs).append(text)
        self._in_item = False

    def _seen(self, text: str) -> None:
        if text and not text.isspace():
            self.truth.inside.append(" ".join(text.split()))

    def _whole(self, element: HtmlElement) -> str:
        """All text of an element but its <pre>, which count as code."""
        chosen = self._chosen
        for hidden in chosen.neutral.intersection(element.iterdescendants()):
            self._seen(_text(hidden, chosen.dropped))
        return _text(element, self._skipped, without_code=True)

    def _code(self, pre: HtmlElement) -> None:
        self._flush()
        self._in_item = False
        lines = [] if is_numbers(pre) or _in_numbers(pre) else code_lines(pre, self._skipped)
        if lines:
            self.truth.code.append(lines)
            self.truth.inside.extend(lines)

    def _heading(self, element: HtmlElement) -> None:
        if _holds(element, *_LISTS, "table", "pre"):  # never closed: all that follows is in it
            self.block(element)
            return
        self._flush()
        text = self._whole(element)
        if item(text):
            self.truth.headings.append((text, _text(element, NOTHING, without_code=True)))
            self._seen(text)
            self._in_item = False

    def _term(self, element: HtmlElement) -> None:
        self._flush()
        text = self._whole(element)
        if item(text):
            self.truth.terms.append(text)
            self._seen(text)
        self._in_item = False
        for pre in element.iter(*_PREFORMATTED):
            self._code(pre)

    def _item(self, element: HtmlElement) -> None:
        self._flush()
        self._in_item = True
        self.block(element)
        self._in_item = False

    def _is_data(self, table: HtmlElement) -> bool:
        """A table of data and not one that places things on the page or holds code beside its line numbers."""
        if table in self._chosen.layout or table.get("role") in ("presentation", "none"):
            return False
        if any(inner is not table for inner in table.iter("table", *_HEADINGS)):
            return False
        if any(is_numbers(cell) for cell in table.iter("td", "pre")):
            return False
        rows = [list(_cells(row)) for row in table.iter("tr")]
        if max((len(cells) for cells in rows), default=0) < 2:
            return False
        if len(rows) == 1 and all(_holds(cell, *_LISTS, "pre") for cell in rows[0]):
            return False  # columns of lists, or code side by side
        return all(len(cell.text_content()) < _LONG_CELL for cells in rows for cell in cells)

    def _table(self, table: HtmlElement) -> None:
        self._flush()
        self._in_item = False
        for caption in table.iter("caption"):
            self.block(caption)
        for row in table.iter("tr"):
            texts, on_one_line = [], True
            for cell in _cells(row):
                text = self._whole(cell)
                if item(text):
                    texts.append(text)
                    self._seen(text)
                for pre in cell.iter(*_PREFORMATTED):
                    on_one_line = False
                    self._code(pre)
            if on_one_line and len(texts) > 1:
                self.truth.rows.append(texts)
            else:
                self.truth.lone_cells.extend(texts)


def _holds(element: HtmlElement, *tags: str) -> bool:
    return next(element.iterdescendants(*tags), None) is not None


def _cells(row: HtmlElement) -> Iterator[HtmlElement]:
    return row.iterchildren("td", "th")


def _in_numbers(pre: HtmlElement) -> bool:
    """In a column of line numbers: by its class, or by its digits and the code in the cell behind."""
    if any(is_numbers(above) for above in pre.iterancestors("td", "div")):
        return True
    cell = next(pre.iterancestors("td"), None)
    behind = cell is not None and any(_holds(other, "pre") for other in cell.itersiblings("td"))
    return behind and "".join(pre.text_content().split()).isdigit()


def _text(element: HtmlElement, skipped: Collection[HtmlElement], *, without_code: bool = False) -> str:
    return " ".join("".join(_texts(element, skipped, without_code)).split())


def _texts(element: HtmlElement, skipped: Collection[HtmlElement], without_code: bool) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        tag = child.tag
        if isinstance(tag, str) and tag not in UNSEEN and child not in skipped:
            apart = tag not in _INLINE
            if apart:
                yield " "
            if not (without_code and tag in _PREFORMATTED):
                yield from _texts(child, skipped, without_code)
            if apart:
                yield " "
        yield child.tail or ""
