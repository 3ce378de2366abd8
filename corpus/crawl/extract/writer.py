"""Blocks of text, and the writer that collects inline text into them."""

from __future__ import annotations

from dataclasses import dataclass

MAX_INDENT = 32  # deeper nesting is not indented further


@dataclass
class Block:
    """`kind`: text, heading, term, row or code. `group` holds together what no blank line parts.

    `links` counts the characters that stand in links.
    """

    kind: str
    text: str
    group: int
    indent: int = 0
    marker: str = ""
    links: int = 0
    quoted: bool = False


class Writer:
    def __init__(self) -> None:
        self.out: list[Block] = []
        self.parts: list[str] = []  # inline text since the last block boundary
        self.links = 0  # characters of it that stand in links
        self.group = 0
        self.indent = 0
        self.marker = ""  # of the list item that has no text yet
        self.fresh = False  # nothing came yet in this list item or definition
        self.broken = False  # the last thing was a `br`
        self.quotes = 0  # open quotations

    def part(self) -> None:
        """A blank line before what comes."""
        self.group += 1

    def paragraph(self) -> None:
        """A paragraph of its own, unless it opens a list item or a definition."""
        if not self.fresh:
            self.group += 1

    def line_break(self) -> None:
        """One `br` ends a line, two end a paragraph."""
        if not self.flush() and self.broken:
            self.group += 1
        self.broken = True

    def flush(self) -> bool:
        """End the text collected so far as a block; False if there was none."""
        if not self.parts:
            return False
        text = " ".join("".join(self.parts).split())
        self.parts.clear()
        if not text:
            self.links = 0
            return False
        self.add("text", text)
        return True

    def add(self, kind: str, text: str) -> None:
        """A block at the current indentation, behind the marker of its list item."""
        marker, self.marker = self.marker, ""
        self.out.append(Block(kind, text, self.group, self.indent, marker, self.links, self.quotes > 0))
        if marker:
            self.indent = min(self.indent + len(marker), MAX_INDENT)
        self.links = 0
        self.fresh = self.broken = False

    def alone(self, kind: str, text: str, links: int = 0) -> None:
        """A block between blank lines at the start of the line, wherever it stands: code and headings."""
        self.group += 1
        self.out.append(Block(kind, text, self.group, links=links))
        self.group += 1
        self.marker = ""
        self.fresh = self.broken = False

    def row(self, text: str, links: int) -> None:
        self.out.append(Block("row", text, self.group, links=links))
        self.fresh = self.broken = False
