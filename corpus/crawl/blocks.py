"""Code blocks and tables taken out of a page before an extractor sees them, and put back verbatim.

Every extractor bends code: blank lines, indentation or whole blocks go. Here each block leaves a marker, a
paragraph of its own; whatever extractor keeps the marker keeps the block to the letter, and markers that are
missing from a result tell exactly what it lost.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from lxml import html as lxml_html
from lxml.html import HtmlElement

_BLOCK_TAGS = frozenset({"div", "p", "li", "tr", "ol", "ul", "table", "section"})
_NO_CODE = frozenset({"button", "script", "style", "svg", "template"})
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language-|lang-|highlight-source-|highlight-|brush:\s*)([A-Za-z0-9+#_.-]{1,20})"
)
_NO_LANGUAGES = frozenset({"default", "none", "text", "plaintext", "source"})
_STRUCTURE = "pre|table|h1|h2|h3|h4|h5|h6|ul|ol|form|article"
_MAX_CELL = 1_000  # characters; longer cells are layout, not data


@dataclass(frozen=True)
class Block:
    """`text` is what stands in the result; `code` tells a code block from a table."""

    text: str
    code: bool

    @property
    def lines(self) -> int:
        return self.text.count("\n") + 1


@dataclass(frozen=True)
class Protected:
    """A page whose blocks are replaced by markers."""

    tree: HtmlElement
    blocks: tuple[Block, ...]
    key: str

    def restore(self, text: str) -> str:
        """`text` with each marker replaced by its block, which stands in lines of its own.

        A marker that an extractor repeated is filled once.
        """
        seen: set[int] = set()

        def fill(match: re.Match[str]) -> str:
            number = int(match.group(1))
            if number in seen or number >= len(self.blocks):
                return ""
            seen.add(number)
            return f"\n\n{self.blocks[number].text}\n\n"

        filled = re.sub(rf"[ \t]*(?:[-*] )?{self.key}x(\d+)x[ \t]*", fill, text)
        return _squeeze(filled)

    def kept_code(self, text: str) -> int:
        """Lines of code whose markers stand in `text`."""
        numbers = {int(n) for n in re.findall(rf"{self.key}x(\d+)x", text)}
        return sum(block.lines for n, block in enumerate(self.blocks) if block.code and n in numbers)

    @property
    def code_lines(self) -> int:
        return sum(block.lines for block in self.blocks if block.code)


def protect(page: str) -> Protected:
    """Parse a page and take its code blocks and data tables out. lxml's ParserError for an empty page."""
    tree = parse(page)
    key = "kept" + hashlib.blake2b(page.encode("utf-8", "replace"), digest_size=6).hexdigest()
    blocks: list[Block] = []
    for number in tree.xpath(
        "//td[contains(@class, 'linenos')] | //*[contains(@class, 'lineno')][ancestor::pre]"
    ):
        number.drop_tree()
    for element in tree.xpath("//pre[not(ancestor::pre)]"):
        code = code_text(element)
        if code.strip():
            blocks.append(Block(fence(code, code_language(element)), code=True))
            _replace(element, f"{key}x{len(blocks) - 1}x")
    for element in tree.xpath("//table"):
        rows = table_rows(element)
        if rows:
            _replace(element, f"{key}x{len(blocks)}x")
            blocks.append(Block("\n".join(rows), code=False))
    return Protected(tree, tuple(blocks), key)


def code_text(element: HtmlElement) -> str:
    """The text of a `pre` as a browser shows it: lines made of `br` or block elements are lines."""
    parts: list[str] = []

    def new_line() -> None:
        if parts and not parts[-1].endswith("\n"):
            parts.append("\n")

    for event, node in lxml_html.etree.iterwalk(element, events=("start", "end")):
        tag = node.tag if isinstance(node.tag, str) else ""
        hidden = not tag or tag in _NO_CODE or any(a.tag in _NO_CODE for a in node.iterancestors())
        if event == "start":
            if tag == "br":
                parts.append("\n")
            elif tag in _BLOCK_TAGS:
                new_line()
            if node.text and not hidden:
                parts.append(node.text)
        elif node is not element:
            if tag in _BLOCK_TAGS:
                new_line()
            if node.tail and not any(a.tag in _NO_CODE for a in node.iterancestors()):
                parts.append(node.tail)
    return "".join(parts).replace("\r\n", "\n").removeprefix("\n").rstrip()


def code_language(element: HtmlElement) -> str:
    """The language that a `pre`, its `code` or what wraps it names in a class; empty where none does."""
    inner = element.find(".//code")
    parent = element.getparent()
    around = [parent, parent.getparent() if parent is not None else None]
    for node in (element, inner, *around):
        found = _LANGUAGE.search(node.get("class", "")) if node is not None else None
        if found and found.group(1).lower() not in _NO_LANGUAGES:
            return found.group(1).lower()
    return ""


def fence(code: str, language: str) -> str:
    """A fenced block; the fence is longer than any run of backticks in the code."""
    longest = max((len(run) for run in re.findall("`{3,}", code)), default=2)
    ticks = "`" * (longest + 1)
    return f"{ticks}{language}\n{code}\n{ticks}"


def table_rows(table: HtmlElement) -> list[str]:
    """The rows of a data table, cells parted by ` | `; an empty list for tables that only lay a page out."""
    if table.get("role") == "presentation" or table.xpath("|".join(f".//{t}" for t in _STRUCTURE.split("|"))):
        return []
    rows: list[str] = []
    widest = 0
    for row in table.iter("tr"):
        cells = [" ".join(cell.text_content().split()) for cell in row.iterchildren("td", "th")]
        if any(len(cell) > _MAX_CELL for cell in cells):
            return []
        widest = max(widest, len(cells))
        if any(cells):
            rows.append(" | ".join(cells))
    return rows if widest > 1 else []


def _replace(element: HtmlElement, marker: str) -> None:
    paragraph = lxml_html.etree.Element("p")
    paragraph.text, paragraph.tail = marker, element.tail
    parent = element.getparent()
    if parent is not None:
        parent.replace(element, paragraph)


def parse(page: str) -> HtmlElement:
    """The tree of a page, without its comments. Raises lxml's ParserError for a page without any element."""
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, huge_tree=True)
    return lxml_html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)


def _squeeze(text: str) -> str:
    """No more than one blank line outside code blocks, none at the ends."""
    out: list[str] = []
    fenced = ""
    for line in text.split("\n"):
        opening = re.match("`{3,}", line)
        if fenced:
            fenced = "" if line == fenced else fenced
        elif opening:
            fenced = opening.group()
        elif not line.strip():
            if out and not out[-1]:
                continue
            out.append("")
            continue
        out.append(line)
    return "\n".join(out).strip("\n")
