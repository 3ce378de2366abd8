"""Which elements of a page are no content: navigation, widgets, footers, tables of contents."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from urllib.parse import unquote, urlsplit

from corpus.crawl.extract import tables
from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.tree import Page

_MOST = 0.5  # of the page's characters: a list of links that holds more is the content
_LITTLE = 0.25  # what holds less of the page is not asked whether it holds the content
_REST = 15  # characters: where less is left beside an element it is the page
_MUCH = 1_000  # characters of a footer with code or headings in it, above which it is none
_LINKS = 0.7  # share of link characters that makes a list one of links
_ALL_LINKS = 0.85  # the same for a menu of the site
_FEW, _MENU = 3, 5  # links; a list of fewer is no table of contents, no menu
_TOC_TITLE = 60  # characters of a table of contents outside of its links
_DENSE = 0.45  # share of link characters that makes a named container navigation
_SMALL = 150  # characters of a named container that are navigation whatever they link
_BUDGET = 4  # elements that are looked at for tables of contents, per element of the page
_CORE = frozenset(("h1", "main", "article"))
_LISTS = frozenset(("ul", "ol", "dl", "menu", "dir"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_NAMED = _HEADINGS | {"dt"}
_STRUCTURE = ("pre", "dl", "h2", "h3", "article", "main")
_PERMALINK = re.compile(
    r"^[\s#¶§†‡↑↩↵^\u200b\u200c\ufeff🔗⚓∞•\[\]]{0,4}$|^\s*(?:link|anchor|permalink)\s*$", re.IGNORECASE
)
_SIGN_WORDS = re.compile(
    r"^\W*$|\b(?:link|permalink|permanent|anchor|source|src|edit|copy|view|docs|skip|section)\b",
    re.IGNORECASE,
)
_SOURCE = re.compile(
    r"^\s*\[?\s*(?:source|docs|view source|src|edit|edit source|link to source)\s*\]\s*$", re.IGNORECASE
)
_NUMBERING = re.compile(r"^[\s\d.)(§¶#:–—-]+|[\s¶#]+$")
_LOOKED_AT = 300  # entries of a table of contents
_COVERED = 0.5  # of the page's headings; a list of fewer of them is a list of references
_REPEATED = 0.6  # share of a table of contents' entries that are headings of the page


def skipped(page: Page, url: str) -> list[bool]:
    """For each element whether it is left out. Elements inside of one that is left out are not looked at."""
    skip = [False] * len(page.tags)
    total = max(page.mass[0], 1)
    core = [i for i, tag in enumerate(page.tags) if tag in _CORE or page.marks[i] & (v.MAIN | v.LIKELY_MAIN)]
    menus = _Menus(page, url)
    i, count = 0, len(page.tags)
    while i < count:
        tag, mark = page.tags[i], page.marks[i]
        if tag == "a":
            gone = _permalink(page, i) or bool(mark & v.DROP and _beside(page, i) and _is_sign(page, i))
        else:
            gone = bool(mark and i) and _noise(page, i, mark, total, core)
        gone = gone or menus.holds(i)
        skip[i] = gone
        i = page.ends[i] if gone else i + 1
    return skip


class _Menus:
    """Tables of contents and menus among lists of links, told by where they lead."""

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
        if self._budget <= 0 or not (page.tags[i] in _LISTS or mark & v.TOC) or not _is_of_links(page, i):
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


def _noise(page: Page, i: int, mark: int, total: int, core: list[int]) -> bool:
    """Whether the names on an element, and what it holds, make it no content."""
    tag, mass = page.tags[i], page.mass[i]
    if mass > _LITTLE * total and _wraps(page, i, total, core):
        return False
    if mark & v.DROP:
        return _beside(page, i)
    if mark & v.HIDDEN and not mark & (v.PANEL | v.CODE) and not _in_panel(page, i):
        return True
    area = mark & (v.MAIN | v.LIKELY_MAIN) and not mark & v.FOOT and tag not in ("nav", "aside", "footer")
    if area or not mark & (v.NAV | v.JUNK | v.FOOT) or tag in ("p", "span", "td", "th", "dd"):
        return False
    if tag == "nav" or page.get(i, "role") == "navigation":
        return True
    return _is_widget(page, i, mark)


def _is_widget(page: Page, i: int, mark: int) -> bool:
    """Whether an element with the name of navigation, of a widget or of a footer is one."""
    tag, mass = page.tags[i], page.mass[i]
    dense = page.link[i] > _DENSE * mass
    if tag in ("header", "aside", "table"):
        return dense and bool(mark & v.NAV) and not _has(page, i, "h1", "th", "pre")
    if _own_section(page, i):
        return False
    structure = _has(page, i, *_STRUCTURE)
    if mark & v.FOOT:
        return not (structure and mass > _MUCH)
    if mark & v.JUNK and not (structure and not dense):
        return True
    if not mark & v.NAV or _has(page, i, "h1") or _titled(page, i):
        return False
    return dense or (mass < _SMALL and page.link[i] > 0.2 * mass and not structure)


def _wraps(page: Page, i: int, total: int, core: list[int]) -> bool:
    """Whether an element that holds much of a page holds its content too, whatever its name says."""
    if page.mass[i] > total - min(_REST, total / 5):
        return True
    return bisect_left(core, i + 1) < bisect_left(core, page.ends[i])


def _has(page: Page, i: int, *tags: str) -> bool:
    return any(page.tags[j] in tags for j in range(i + 1, min(page.ends[i], i + 400)))


def _titled(page: Page, i: int) -> bool:
    return any(page.marks[j] & v.TITLE for j in range(i + 1, min(page.ends[i], i + 50)))


def _own_section(page: Page, i: int) -> bool:
    """Whether an id is made from the heading of its section, as `cookies` of a section on cookies."""
    ident = re.sub(r"[^a-z0-9]+", "", page.get(i, "id").lower())
    if not ident:
        return False
    for j in range(i + 1, min(page.ends[i], i + 6)):
        if page.tags[j] in _HEADINGS:
            return (
                ident in re.sub(r"[^a-z0-9]+", "", page.text(j).lower())
                and page.link[i] < _DENSE * page.mass[i]
            )
    return False


def _in_panel(page: Page, i: int) -> bool:
    parent = page.parents[i]
    return (parent >= 0 and bool(page.marks[parent] & v.PANEL)) or page.tags[i] == "details"


def _beside(page: Page, i: int) -> bool:
    """Whether something stands beside an element in its heading or term; some generators link them whole."""
    parent = page.parents[i]
    return page.tags[parent] not in _NAMED or page.mass[parent] - page.mass[i] > 1 or page.mass[i] < 2


def _is_sign(page: Page, i: int) -> bool:
    """Whether a link named as a permalink stands for one; in some generators the term itself is named so."""
    return page.tags[page.parents[i]] not in _NAMED or bool(_SIGN_WORDS.search(page.text(i)))


def _permalink(page: Page, i: int) -> bool:
    """A link that is only a sign: the paragraph mark behind a heading, `[source]` behind a signature."""
    if page.mass[i] > 24:
        return False
    text = page.text(i)
    if not text:
        return True
    if _SOURCE.match(text):
        return True
    return bool(_PERMALINK.match(text)) and "#" in page.get(i, "href")


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
