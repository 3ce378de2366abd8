"""Tags found in a page without parsing it: a bounded scan that costs little beside a tree."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_ATTRIBUTE = re.compile(r"""([^\s=>/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?""")
_BETWEEN = re.compile(r"[\s/\"']*")
_TAG_CHARACTERS = 4_096  # of a tag; what stands behind is not read
_MOST_ATTRIBUTES = 40
_MOST_TAGS = 300
_HEAD_CHARACTERS = 64 << 10  # of a page that does not say where its head ends
_FAR = 256 << 10


def meta_tags(page: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Place and attributes of the meta tags in the head, comments and scripts included: see `is_hidden`."""
    end = head_end(page)
    places = sorted(place for name in ("<meta", "<META", "<Meta") for place in _places(page, name, end))
    for place in places[:_MOST_TAGS]:
        yield place, attributes(page, place + len("<meta"))


def head_end(page: str) -> int:
    """Where the head ends; where nothing says so, the first part of the page."""
    for name in ("</head", "</HEAD", "<body", "<BODY"):
        found = page.find(name, 0, _FAR)
        if found >= 0:
            return found
    return min(len(page), _HEAD_CHARACTERS)


def attributes(page: str, place: int) -> dict[str, str]:
    """The attributes of a tag from behind its name, by lower-case names; the first of a name counts."""
    window = page[place : place + _TAG_CHARACTERS]
    out: dict[str, str] = {}
    at = 0
    for _ in range(_MOST_ATTRIBUTES):
        at = _BETWEEN.match(window, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        found = _ATTRIBUTE.match(window, at)
        if found is None:  # the end of the tag or of the window
            break
        name, *values = found.groups()
        value = next((value for value in values if value), "")
        out.setdefault(name.lower(), html.unescape(value).strip() if "&" in value else value.strip())
        at = found.end()
    return out


def is_hidden(page: str, place: int) -> bool:
    """Whether a place is inside of a comment or a script, so that no browser sees a tag there."""
    for opening, closing in (("<!--", "-->"), ("<script", "</script"), ("<SCRIPT", "</SCRIPT")):
        begun = page.rfind(opening, 0, place)
        if begun >= 0 and page.find(closing, begun, place) < 0:
            return True
    return False


def _places(page: str, name: str, end: int) -> Iterator[int]:
    place = page.find(name, 0, end)
    for _ in range(_MOST_TAGS):
        if place < 0:
            return
        yield place
        place = page.find(name, place + 1, end)
