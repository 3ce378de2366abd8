"""A parsed page as parallel lists in document order: one pass over the tree, and no recursion after it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain, islice

from lxml import etree

from corpus.crawl.extract import vocabulary as v

MAX_ELEMENTS = 400_000  # what comes behind is left out, and the extraction says so
MAX_DEPTH = 2_000  # libxml2 drops what is nested deeper than 2,048 elements
_MAX_ATTRIBUTES = 40  # read of one element
# libxml2 compares each attribute of a tag with all others: a tag of very many would take minutes
_GIANT_TAG = re.compile(r"(<[A-Za-z][A-Za-z0-9:-]{0,40})([^<>]{20000,})")
_GIANT = 10_000  # characters: every run of twice as many covers a whole stretch between its multiples
_MANY = 1_000  # attributes
_NEVER = tuple(
    sorted(
        v.names(
            "script style noscript template svg iframe object embed applet canvas audio video select option "
            "datalist input button textarea map dialog head link meta title noembed base progress meter rp rt"
        )
    )
)
_BARE = {tag: v.marks(tag, "", "", "") for tag in v.TELLING}  # flags without attributes
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


@dataclass
class Page:
    """Element `i` covers the indexes `i` to `ends[i]`.

    `mass` and `link` count its characters and those in links. `cut`: the page goes on, too large or too deep.
    """

    elements: list[etree._Element] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    tails: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    mass: list[int] = field(default_factory=list)
    link: list[int] = field(default_factory=list)
    title: str = ""
    cut: bool = False

    def get(self, i: int, name: str) -> str:
        """An attribute; empty where there is none."""
        return str(self.elements[i].get(name) or "")

    def text(self, i: int) -> str:
        """All text of an element on one line."""
        return " ".join("".join(self.elements[i].itertext()).split())


def parse(markup: str) -> etree._Element:
    """The root element. Raises ValueError for a page without any element.

    Tags of more than about a thousand attributes lose them.
    """
    if _may_hold_giant(markup):
        markup = _GIANT_TAG.sub(_without_attributes, markup)
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from error
    if root is None:
        raise ValueError("no element")
    frames = root.find(".//noframes")  # its content is text to the parser
    if frames is not None and frames.text and "<" in frames.text and root.find("body") is None:
        inner = etree.fromstring(frames.text.encode("utf-8", "replace"), parser=parser)
        if inner is not None:
            root.append(inner)
            frames.text = ""
    return root


def _may_hold_giant(markup: str) -> bool:
    """Whether a long stretch without `<` and `>` makes it worth while to look for a giant tag."""
    return any(
        markup.find(">", at, at + _GIANT) < 0 and markup.find("<", at, at + _GIANT) < 0
        for at in range(0, len(markup) - _GIANT, _GIANT)
    )


def _without_attributes(tag: re.Match[str]) -> str:
    return tag.group(1) if len(tag.group(2).split(None, _MANY)) > _MANY else tag.group()


def title(root: etree._Element) -> str:
    """The page's title; its first `h1` where it has none."""
    for path in ("head/title", ".//title", ".//h1"):
        node = root.find(path)
        text = " ".join("".join(node.itertext()).split()) if node is not None else ""
        if text:
            return text[:500]
    return ""


def flatten(root: etree._Element) -> Page:
    """The page as lists; scripts, form controls and the like are removed from the tree first."""
    page = Page(title=title(root))
    etree.strip_elements(root, *_NEVER, with_tail=False)
    elements, tags, texts, tails = page.elements, page.tags, page.texts, page.tails
    ends, parents, marks, mass, link = page.ends, page.parents, page.marks, page.mass, page.link
    open_: list[int] = []
    chars = linked = anchors = 0  # so far; `anchors`: open links
    depth = 0
    above: etree._Element | None = None  # the innermost open element
    rest = root.iter(etree.Element)
    for count, element in enumerate(chain(islice(rest, MAX_ELEMENTS), (None,))):  # None closes what is open
        parent = element.getparent() if element is not None else None
        while open_ and above is not parent:
            i = open_.pop()
            above = elements[open_[-1]] if open_ else None
            ends[i] = count
            mass[i], link[i] = chars - mass[i], linked - link[i]
            if tags[i] == "a":
                anchors -= 1
            if tails[i]:
                size = len(tails[i].strip())
                chars += size
                if anchors:
                    linked += size
        if element is None:
            break
        tag, text = element.tag, element.text or ""
        items = element.items()
        elements.append(element)
        tags.append(tag)
        texts.append(text)
        tails.append(element.tail or "")
        parents.append(open_[-1] if open_ else -1)
        marks.append(_marks(tag, items) if items else _BARE.get(tag, 0))
        ends.append(0)
        mass.append(chars)
        link.append(linked)
        open_.append(count)
        above = element
        depth = max(depth, len(open_))
        if tag == "a":
            anchors += 1
        if text:
            size = len(text.strip())
            chars += size
            if anchors:
                linked += size
    page.cut = depth > MAX_DEPTH or next(rest, None) is not None
    return page


def _marks(tag: str, items: list[tuple[str, str]]) -> int:
    """Flags for an element with these attributes."""
    names = ident = role = ""
    hidden = 0
    for key, value in items[:_MAX_ATTRIBUTES]:
        if key == "class":
            names = value
        elif key == "id":
            ident = value
        elif key == "role":
            role = value
        elif key == "itemprop":
            names += " " + value
        elif (
            key == "hidden"
            or (key == "aria-hidden" and value == "true")
            or (key == "style" and _HIDING.search(value))
        ):
            hidden = v.HIDDEN
    if names or ident or role:
        return v.marks(tag, names, ident if tag in v.CONTAINERS else "", role) | hidden
    return _BARE.get(tag, 0) | hidden
