"""Which elements of a page are no content: navigation, widgets, footers, tables of contents."""

from __future__ import annotations

import re
from bisect import bisect_left

from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.menus import LISTS, Menus
from corpus.crawl.extract.tree import Page

_LITTLE = 0.25  # what holds less of the page is not asked whether it holds the content
_REST = 15  # characters: where less is left beside an element it is the page
_MUCH = 1_000  # characters of a footer with code or headings in it, above which it is none
_DENSE = 0.45  # share of link characters that makes a named container navigation
_SMALL = 150  # characters of a named container that are navigation whatever they link
_CORE = frozenset(("h1", "main", "article"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_NAMED = _HEADINGS | {"dt"}
_CONTENT = ("h1", "pre", "dl", "article", "main")  # what no widget holds, which may have headings
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


def skipped(page: Page, url: str) -> list[bool]:
    """For each element whether it is left out. Elements inside of one that is left out are not looked at."""
    skip = [False] * len(page.tags)
    total = max(page.mass[0], 1)
    core = [i for i, tag in enumerate(page.tags) if tag in _CORE or page.marks[i] & (v.MAIN | v.LIKELY_MAIN)]
    menus = Menus(page, url)
    i, count = 0, len(page.tags)
    while i < count:
        tag, mark = page.tags[i], page.marks[i]
        gone = False
        if tag == "a":
            gone = _is_no_text(page, i, mark)
        elif tag == "label":
            gone = _names_control(page, i)
        elif mark and i:
            gone = _noise(page, i, mark, total, core)
        if not gone and (tag in LISTS or mark & v.TOC):
            gone = menus.holds(i)
        if gone:
            skip[i] = True
            i = page.ends[i]
        else:
            i += 1
    return skip


def _noise(page: Page, i: int, mark: int, total: int, core: list[int]) -> bool:
    """Whether the names on an element, and what it holds, make it no content."""
    tag, mass = page.tags[i], page.mass[i]
    if mass > _LITTLE * total and _wraps(page, i, total, core):
        return False
    if mark & v.DROP:
        return tag not in _HEADINGS and _beside(page, i)
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
        return _is_beside_text(page, i, mark)
    if _own_section(page, i):
        return False
    structure = _has(page, i, *_STRUCTURE)
    if mark & v.FOOT:
        return not (structure and mass > _MUCH)
    if mark & v.JUNK and (dense or not structure or (mass < _MUCH and not _has(page, i, *_CONTENT))):
        return True
    if not mark & v.NAV or _has(page, i, "h1") or _titled(page, i):
        return False
    return dense or (mass < _SMALL and page.link[i] > 0.2 * mass and not structure)


def _is_beside_text(page: Page, i: int, mark: int) -> bool:
    """Whether a header, an aside or a table is one of links or, if it is named so, an announcement."""
    if page.tags[i] == "aside" and mark & v.JUNK and not _has(page, i, *_STRUCTURE):
        return True
    kept = ("h1", "pre") if page.tags[i] == "table" else ("h1", "th", "pre")
    return page.link[i] > _DENSE * page.mass[i] and bool(mark & v.NAV) and not _has(page, i, *kept)


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
    if not ident or v.marks(page.tags[i], page.get(i, "class"), "", "") & v.JUNK:
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


def _is_no_text(page: Page, i: int, mark: int) -> bool:
    """Whether a link is a sign, an unseen one, or one to the page before or behind."""
    if _permalink(page, i) or _leads_on(page, i) or (mark & v.HIDDEN and not mark & v.PANEL):
        return True
    return bool(mark & v.DROP) and _beside(page, i) and _is_sign(page, i)


def _names_control(page: Page, i: int) -> bool:
    """Whether a label stands alone before a control; others are text themselves, as in lists to tick off."""
    return page.mass[page.parents[i]] == page.mass[i] and page.text(i).endswith(":")


def _leads_on(page: Page, i: int) -> bool:
    """A link that says itself that it goes to the page before or behind."""
    return page.mass[i] < _SMALL and page.get(i, "rel") in ("next", "prev", "previous")
