"""Down from an area to the part of it that holds the page's text, where only navigation stands beside.

Names are not asked: the text of a page stands around its first heading, what leads elsewhere stands beside
it and is links. Pages whose class names mean nothing are read this way, and those that hold one sentence
among many links.
"""

from __future__ import annotations

from typing import Protocol

from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.tree import Page

_BOXES = ("div", "section", "nav", "aside", "a", "td", "span")
_HEADINGS = ("h1", "h2")
_MENU = 5  # links before the content that make a menu
_SITE_MENU = 10  # links of what is left out already that tell the same
_PROSE = 80  # characters outside of links that are text and no label
_LABEL = 40  # the same behind the content, beside links
_PLAIN = 0.3  # share of characters outside of links from which an element is none of links
_LOOKS = 400  # elements in which the headings of a stub are looked for
_OWN = 12  # characters that stand in an element directly


class Weight(Protocol):
    """The part of `area.Scale` that is needed here."""

    def inside(self, i: int) -> bool: ...
    def structure(self, i: int) -> int: ...
    def mass(self, i: int) -> int: ...
    def plain(self, i: int) -> int: ...


def narrowed(page: Page, skip: list[bool], area: int, weigh: Weight) -> int:
    """The area, or the descendant around its first heading that navigation alone surrounds."""
    heading = _heading(page, area, weigh)
    while heading > area:
        child, beside = _children(page, area, heading)
        shown = [j for j in beside if not skip[j] and weigh.mass(j)]
        own = weigh.mass(area) - weigh.mass(child) - sum(map(weigh.mass, shown))
        if child == heading or own > _OWN or any(_is_text(page, j, child, weigh) for j in shown):
            break
        if shown and not _has_menu(page, skip, child, beside) and not _leads_on(page, child, shown, weigh):
            break
        area = child
    return area


def _heading(page: Page, area: int, weigh: Weight) -> int:
    """The first `h1` of the area, else its first `h2`; -1 without one."""
    for tag in _HEADINGS:
        for i in range(area + 1, page.ends[area]):
            if page.tags[i] == tag and page.mass[i] and not weigh.inside(i):
                return i
    return -1


def _children(page: Page, area: int, heading: int) -> tuple[int, list[int]]:
    """The child that holds the heading, and the others."""
    holds, beside = heading, []
    j = area + 1
    while j < page.ends[area]:
        if j <= heading < page.ends[j]:
            holds = j
        else:
            beside.append(j)
        j = page.ends[j]
    return holds, beside


def _is_text(page: Page, j: int, child: int, weigh: Weight) -> bool:
    """Whether an element beside the child is more than links and labels."""
    plain, mass = weigh.plain(j), weigh.mass(j)
    if weigh.structure(j):
        return True
    if plain <= _PLAIN * mass:
        return False
    if j < child:
        return plain >= _PROSE
    return plain >= _LABEL or plain == mass or page.tags[j] not in _BOXES


def _has_menu(page: Page, skip: list[bool], child: int, beside: list[int]) -> bool:
    """Whether a menu stands before the child; one that is left out already tells so too."""
    links = 0
    for j in beside:
        if j > child:
            break
        count = sum(tag == "a" for tag in page.tags[j : page.ends[j]])
        if not skip[j]:
            links += count
        elif count >= _SITE_MENU and not page.marks[j] & v.TOC:
            return True
    return links >= _MENU


def _leads_on(page: Page, child: int, shown: list[int], weigh: Weight) -> bool:
    """Whether a few links stand around a child that holds text: the way here, the pages before and behind."""
    links = sum(tag == "a" for j in shown for tag in page.tags[j : page.ends[j]])
    if not links or links > _MENU or any(page.tags[j] not in _BOXES for j in shown):
        return False
    first = range(child, min(page.ends[child], child + _LOOKS))
    headings = sum(page.mass[j] for j in first if page.tags[j] in _HEADINGS)
    return weigh.plain(child) >= headings + _OWN and all(
        weigh.plain(j) <= _PLAIN * weigh.mass(j) for j in shown
    )
