"""The main area of a page: what its author marked, what generators name so, else the whole body."""

from __future__ import annotations

import re
from bisect import bisect_left

from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.narrow import narrowed
from corpus.crawl.extract.tree import Page

_LINK_WEIGHT = 0.5  # a character in a link is half as much evidence for content as one outside
_MARKED, _ARTICLE, _LIKELY = 0.35, 0.55, 0.8  # share of what surrounds it that an area must hold
_NOT_EMPTY = 12  # characters
_LOOKS = 50  # candidates whose headings are read, which takes as long as they are large
_PROSE = 60  # characters of one run of text that is no label
_SENTENCE = 40  # the same where an element holds a heading alone
_FEW = 300  # characters outside of links; a page with fewer is a list of links
_STRUCTURE = frozenset(("pre", "dl"))
_TITLES = frozenset(("h1", "h2", "h3"))
_TITLE_MASS = 0.25  # a title's container holds less than this share of the area's characters
_HEADINGS = frozenset(("h1", "h2"))


def main_area(page: Page, skip: list[bool]) -> tuple[int, list[int], list[int]]:
    """The main area's element, elements before it that hold the page's title, and footnotes behind it."""
    weigh = Scale(page, skip)
    area, looks = 0, _LOOKS
    for i, mark in enumerate(page.marks):
        if not mark & (v.MAIN | v.ARTICLE | v.LIKELY_MAIN) or i >= page.ends[area] or i <= area:
            continue
        if page.tags[i] in ("p", "span") or weigh.inside(i):
            continue
        if mark & v.MAIN:
            chosen = weigh(i) >= _MARKED * weigh(area) or _among_links(i, area, weigh)
        elif mark & v.ARTICLE:
            looks -= 1
            chosen = weigh(i) >= _ARTICLE * weigh(area) or (looks > 0 and _alone(page, i, area, weigh))
        else:
            looks -= 1
            chosen = _holds_all(page, i, area, weigh) or (looks > 0 and _holds_title(page, i, area, weigh))
        if chosen:
            area = i
    area = _with_heading(page, skip, narrowed(page, skip, area, weigh), weigh)
    notes = [
        i for i in range(page.ends[area], len(page.tags)) if page.marks[i] & v.NOTES and not weigh.inside(i)
    ]
    return area, _titles(page, skip, area, weigh), notes[:1]


def _among_links(i: int, area: int, weigh: Scale) -> bool:
    """Whether mostly links surround a marked area that is not empty, as around the content of a stub."""
    around = weigh.mass(area) - weigh.mass(i)
    outside = weigh.plain(area) - weigh.plain(i)
    return weigh.mass(i) >= _NOT_EMPTY and outside < 0.4 * around


def _alone(page: Page, i: int, area: int, weigh: Scale) -> bool:
    """Whether an article is the only one in the area, and no prose, code or terms stand beside it."""
    if weigh.mass(i) < _NOT_EMPTY or weigh.structure(i) != weigh.structure(area):
        return False
    others = (j for j in range(area + 1, page.ends[area]) if page.ends[j] <= i or j >= page.ends[i])
    if any(page.marks[j] & v.ARTICLE for j in others):
        return False
    return not _prose_beside(page, i, area, weigh, _PROSE)


def _prose_beside(page: Page, i: int, area: int, weigh: Scale, least: int) -> bool:
    """Whether a run of text of so many characters stands in the area outside of an element and of links."""
    for j in range(area, page.ends[area]):
        if i <= j < page.ends[i]:
            continue
        text = 0 if page.tags[j] == "a" else len(page.texts[j].strip())
        if max(text, len(page.tails[j].strip())) >= least and not weigh.inside(j):
            return True
    return False


def _holds_all(page: Page, i: int, area: int, weigh: Scale) -> bool:
    """Whether what surrounds an element in the area is links, but for a little."""
    if page.mass[area] - page.link[area] < _FEW:
        return weigh(i) >= _LIKELY * weigh(area)
    if weigh.plain(i) < _LIKELY * weigh.plain(area):
        return False
    return weigh.structure(area) == weigh.structure(i)


def _holds_title(page: Page, i: int, area: int, weigh: Scale) -> bool:
    """Whether an element holds the page's `h1`, and little without headings of its own surrounds it."""
    if weigh.plain(area) - weigh.plain(i) > _FEW or weigh.structure(area) != weigh.structure(i):
        return False
    headings = [j for j in range(area, page.ends[area]) if page.tags[j] in _TITLES and not weigh.inside(j)]
    inside = [j for j in headings if i < j < page.ends[i]]
    empty = weigh.mass(i) < sum(page.mass[j] for j in inside) + _NOT_EMPTY
    if empty and _prose_beside(page, i, area, weigh, _SENTENCE):
        return False
    own = {page.text(j).strip("¶#§") for j in inside}
    return any(page.tags[j] == "h1" for j in inside) and all(
        page.text(j).strip("¶#§") in own for j in headings
    )


def _with_heading(page: Page, skip: list[bool], area: int, weigh: Scale) -> int:
    """The area, widened to an ancestor that adds little but a better heading before it."""
    wanted = _words(page.title)
    first = _first_heading(page, skip, area)
    least = _likeness(_words(page.text(first)), wanted) if first >= 0 else -1.0
    branch = area
    for _ in range(4):
        parent = page.parents[branch]
        if parent <= 0 or weigh(parent) - weigh(area) > 0.1 * weigh(area) + 200:
            break
        j = parent + 1
        while j < branch:
            if page.tags[j] in _TITLES and not weigh.inside(j):
                if _likeness(_words(page.text(j)), wanted) > least:
                    area = parent
                break
            j = page.ends[j]
        branch = parent
    return area


class Scale:
    """What elements weigh as content, without what is left out of them."""

    def __init__(self, page: Page, skip: list[bool]) -> None:
        self._page = page
        self._starts = [i for i, gone in enumerate(skip) if gone]
        self._mass, self._link = [0], [0]
        for i in self._starts:
            self._mass.append(self._mass[-1] + page.mass[i])
            self._link.append(self._link[-1] + page.link[i])
        self._structure = [j for j, tag in enumerate(page.tags) if tag in _STRUCTURE]

    def inside(self, i: int) -> bool:
        """Whether an element is part of what is left out."""
        at = bisect_left(self._starts, i + 1) - 1
        return at >= 0 and self._page.ends[self._starts[at]] > i

    def structure(self, i: int) -> int:
        """The number of code blocks and definition lists that an element holds."""
        return bisect_left(self._structure, self._page.ends[i]) - bisect_left(self._structure, i)

    def _sums(self, i: int) -> tuple[int, int]:
        first, last = bisect_left(self._starts, i), bisect_left(self._starts, self._page.ends[i])
        mass = self._page.mass[i] - (self._mass[last] - self._mass[first])
        return mass, self._page.link[i] - (self._link[last] - self._link[first])

    def mass(self, i: int) -> int:
        """Characters."""
        return self._sums(i)[0]

    def plain(self, i: int) -> int:
        """Characters outside of links."""
        mass, link = self._sums(i)
        return mass - link

    def __call__(self, i: int) -> float:
        mass, link = self._sums(i)
        return mass - _LINK_WEIGHT * link


def _titles(page: Page, skip: list[bool], area: int, weigh: Scale) -> list[int]:
    """The block that holds the page's title, where it stands before the area instead of in it."""
    if area == 0:
        return []
    wanted = _words(page.title)
    best, found = 0.34, -1
    first = _first_heading(page, skip, area)
    if first >= 0:
        if page.tags[first] == "h1":
            return []
        best = max(best, _likeness(_words(page.text(first)), wanted))
    for i in range(area):
        named = page.tags[i] == "h1" or (page.marks[i] & v.TITLE and page.mass[i] < 200)
        if not named or page.ends[i] > area or not page.mass[i] or weigh.inside(i):
            continue
        likeness = _likeness(_words(page.text(i)), wanted)
        if likeness > best:
            best, found = likeness, i
    if found < 0:
        return []
    block = found
    while True:
        parent = page.parents[block]
        if parent < 0 or page.ends[parent] > area or page.link[parent] > 0.3 * page.mass[parent]:
            return [block]
        if weigh(parent) > max(_TITLE_MASS * weigh(area), 300) or page.tags[parent] in ("body", "html"):
            return [block]
        block = parent


def _first_heading(page: Page, skip: list[bool], area: int) -> int:
    """The first heading of the area if it stands at its head, else -1."""
    i = area
    while i < page.ends[area]:
        if skip[i]:
            i = page.ends[i]
            continue
        if page.tags[i] in _HEADINGS:
            return i
        i += 1
    return -1


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _likeness(heading: set[str], title: set[str]) -> float:
    """The Dice coefficient of a heading's and a title's words."""
    shared = len(heading & title)
    return 2 * shared / (len(heading) + len(title)) if shared else 0.0
