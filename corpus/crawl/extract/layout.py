"""Blocks to text: what repeats around a page's content goes, the rest is set in lines."""

from __future__ import annotations

import re

from corpus.crawl.extract.writer import Block

_SAYS_NOTHING = re.compile(
    r"(?:skip to (?:main )?(?:content|navigation)|jump to navigation|edit (?:this|the) page.{0,30}|"
    r"edit on \w+|view (?:page )?source|show source|view on github|open in (?:colab|github).{0,20}|"
    r"source|\[src\]|"
    r"improve this (?:page|doc).{0,10}|suggest (?:edits|changes|an edit)|"
    r"report (?:a|an) (?:bug|issue|problem).{0,30}|found a (?:bug|problem|typo|mistake).{0,60}|"
    r"was this (?:page|article|document|helpful|topic).{0,30}|did this page help you.{0,10}|"
    r"is this page helpful.{0,10}|thank you for your feedback.?|"
    r"back to (?:the )?top|(?:return )?to top|top of page|go to top|"
    r"copy(?: code| to clipboard| link)?|copied!?|print(?: this)?(?: page)?|"
    r"share(?: this)?(?: page| article| post)?|expand all|collapse all|show more|show less|"
    r"on this page:?|in this (?:page|article):?|loading(?:\.\.\.|…)?|"
    r"expand source code|collapse source code|expand description|"
    r"toggle (?:navigation|menu|sidebar|table of contents.*)|close(?: menu)?|search(?: docs)?(?:\.\.\.|…)?|"
    r"created with .{1,40}|advertisement)",
    re.IGNORECASE,
)
_FOOTING = re.compile(
    r"^\W*(?:copyright\b|©|\(c\)\s|all rights reserved|last (?:updated|modified|change|edited)|updated on\b|"
    r"(?:this )?page (?:was )?last|this (?:document|page|file) was (?:created|generated|last)|"
    r"generated (?:by|on|with|using)|powered by|created using|built with|made with|"
    r"documentation generated|this documentation was generated|page generated|hosted by|sitemap|contact us|"
    r"privacy policy|terms (?:of|and)|this (?:article|page) is (?:issued|licensed)|valid x?html)",
    re.IGNORECASE,
)
_TOC_TITLE = re.compile(
    r"^#*\s*(?:table of contents|contents:?|on this page|toc|index|in this (?:article|page|section):?|"
    r"page contents|quick links|inhalt(?:sverzeichnis)?|table des matières|sommaire|índice|目次|목차|目录)$",
    re.IGNORECASE,
)
_LEADS_ON = re.compile(
    r"^\W*(?:prev|previous|next|up|back|home|top|contents|index|toc|précédent|suivant|zurück|weiter|anterior|siguiente|"
    r"volver|sommaire|accueil|main page|front page|table of contents|back to .{1,60}|return to .{1,60})"
    r"(?:\W+|next|up|home|top|$)(?:(?:prev|previous|next|up|back|home|top|contents|index|toc)\W*)*$"
    r"|^\W*(?-i:Previous|Prev|Next)(?-i:[A-Z])"  # labels set apart by style alone
    r"|^\W*(?:previous|prev|next)\b|\b(?:previous|next|prev)\W*$|^\W*[«←⇐◀‹]|[»→⇒▶›]\W*$"
    r"|^(?:前へ|次へ|목차|이전|다음|上一|下一)",
    re.IGNORECASE,
)
_EDGE = 8  # blocks at the head and foot of a page that navigation is looked for in
_LINKED = 0.6


def trim(blocks: list[Block]) -> list[Block]:
    """Without lines that say nothing, navigation at both ends and imprints at the foot."""
    kept = [
        b
        for b in blocks
        if not (
            b.kind in ("text", "row")
            and not b.marker
            and len(b.text) < 90
            and _SAYS_NOTHING.fullmatch(b.text)
        )
    ]
    last = len(kept)
    least = max(0, last - _EDGE)
    while last > least and _ends(kept[last - 1]):
        last -= 1
    last = _imprint(kept, last)
    edge = min(_EDGE, last)
    title = next((n for n in range(edge) if kept[n].kind == "heading"), 0)
    head = [b for n, b in enumerate(kept[:edge]) if not _navigates(b) and not (n < title and _only_links(b))]
    rest = [*head, *kept[edge:last]] or kept
    return [b for n, b in enumerate(rest) if not (_TOC_TITLE.match(b.text) and _leads_nowhere(rest, n))]


def _only_links(block: Block) -> bool:
    return (
        block.kind == "text"
        and len(block.text) < 120
        and block.links >= 0.9 * len(block.text.replace(" ", ""))
    )


def _imprint(blocks: list[Block], last: int) -> int:
    """Where an imprint begins that short lines follow, else `last`."""
    for n in range(max(0, last - _EDGE), last):
        if _ends(blocks[n]) and all(b.kind == "text" and len(b.text) < 120 for b in blocks[n + 1 : last]):
            return n
    return last


def _leads_nowhere(blocks: list[Block], n: int) -> bool:
    """Whether a heading for a table of contents has lost it: another heading follows, or nothing."""
    return (
        n + 1 == len(blocks)
        or blocks[n + 1].kind == "heading"
        or (blocks[n].kind == "text" and not blocks[n + 1].marker)
    )


def _ends(block: Block) -> bool:
    if block.kind not in ("text", "row", "heading"):
        return False
    return _navigates(block) or (
        not block.marker and len(block.text) < 300 and bool(_FOOTING.match(block.text.lstrip("# ")))
    )


def _navigates(block: Block) -> bool:
    if block.kind not in ("text", "row") or len(block.text) > 300:
        return False
    if not any(character.isalnum() for character in block.text):
        return True
    return block.links >= _LINKED * len(block.text.replace(" ", "")) and bool(_LEADS_ON.search(block.text))


def compose(blocks: list[Block]) -> str:
    """The text: blocks of one group stand in consecutive lines, others are parted by a blank line."""
    lines: list[str] = []
    group = -1
    for block in blocks:
        if lines and block.group != group:
            lines.append("")
        group = block.group
        before = " " * block.indent + block.marker
        lines.append(f"> {before}{block.text}" if block.quoted else before + block.text)
    return "\n".join(lines)
