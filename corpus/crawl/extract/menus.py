"""Tables of contents and menus: lists of links, told from lists of references by where they lead."""

from __future__ import annotations

import re
from functools import cached_property
from urllib.parse import unquote, urlsplit

from corpus.crawl.extract import tables
from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.tree import Page

_MOST = 0.5  # of the page's characters: a list of links that holds more is the content
_LINKS = 0.7  # share of link characters that makes a list one of links
_ALL_LINKS = 0.85  # the same for a menu of the site
_FEW, _MENU = 3, 5  # links; a list of fewer is no table of contents, no menu
_TOC_TITLE = 60  # characters of a table of contents outside of its links
_BUDGET = 4  # elements that are looked at for tables of contents, per element of the page
LISTS = frozenset(("ul", "ol", "dl", "menu", "dir"))
_NUMBERING = re.compile(r"^[\s\d.)(§¶#:–—-]+|[\s¶#]+$")
_LOOKED_AT = 300  # entries of a table of contents
_COVERED = 0.5  # of the page's headings; a list of fewer of them is a list of references
_REPEATED = 0.6  # share of a table of contents' entries that are headings of the page
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))


class Menus:
    """Those of one page; looking at them is bounded by its size."""

    def __init__(self, page: Page, url: str) -> None:
        self._page, self._address = page, _path(url)
        self._total = page.mass[0]
        self._budget = _BUDGET * len(page.tags)

    @cached_property
    def _headings(self) -> set[str]:
        return _headings(self._page)

    def holds(self, i: int) -> bool:
        """Whether an element is one of them."""
        page, mark = self._page, self._page.marks[i]
        if self._budget <= 0 or not (page.tags[i] in LISTS or mark & v.TOC) or not _is_of_links(page, i):
            return False
        self._budget -= page.ends[i] - i
        links = [j for j in range(i, page.ends[i]) if page.tags[j] == "a"]
        if len(links) < (1 if mark & v.TOC else _FEW):
            return False
        return self._repeats(i, links) or self._leads_around(i, links)

    def _repeats(self, i: int, links: list[int]) -> bool:
        """A list of links into this page whose texts are the page's own headings."""
        page = self._page
        inside = sum(_within(page.get(j, "href"), self._address) for j in links)
        if inside < 0.9 * len(links):
            return False
        texts = {_bare(page.text(j)) for j in links[:_LOOKED_AT]}
        found = len(texts & self._headings)
        if page.marks[i] & v.TOC:
            return found >= _REPEATED / 2 * len(texts)
        return found >= max(_REPEATED * len(texts), _COVERED * min(len(self._headings), len(texts) + 8))

    def _leads_around(self, i: int, links: list[int]) -> bool:
        """A list of links that holds one to this very page: a menu of the site."""
        page = self._page
        if not self._address or len(links) < _MENU or page.mass[i] > _MOST * self._total:
            return False
        if page.link[i] < _ALL_LINKS * page.mass[i]:
            return False
        targets = (page.get(j, "href") for j in links[: 10 * _LOOKED_AT])
        return any("#" not in target and _same(target, self._address) for target in targets)


def _is_of_links(page: Page, i: int) -> bool:
    """Whether little but links stands in a list; in a table of contents beside its title."""
    beside = page.mass[i] - page.link[i]
    if page.marks[i] & v.TOC and page.link[i] and beside < _TOC_TITLE:
        return True
    return page.link[i] > _LINKS * page.mass[i]


def _headings(page: Page) -> set[str]:
    signs = [bool(mark & v.DROP) for mark in page.marks]
    places = (i for i, tag in enumerate(page.tags) if tag in _HEADINGS and page.mass[i] < 500)
    return {_bare(tables.flat(page, i, signs)) for i in places}


def _bare(text: str) -> str:
    return _NUMBERING.sub("", text).casefold().replace(" ", "")


def _within(target: str, address: str) -> bool:
    return target.startswith("#") or ("#" in target and bool(address) and _same(target, address))


def _same(target: str, address: str) -> bool:
    path = target.partition("#")[0].partition("?")[0]
    if not path or path.startswith(("mailto:", "javascript:")):
        return False
    last = unquote(path).rstrip("/").rsplit("/", 1)[-1].lower()
    return last not in ("", ".", "..", "index.html", "index.htm") and last == address


def _path(url: str) -> str:
    """The last part of an address, which links of the same page end with."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    last = unquote(path).rstrip("/").rsplit("/", 1)[-1].lower()
    return "" if last in ("index.html", "index.htm") else last
