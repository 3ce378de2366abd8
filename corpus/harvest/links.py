"""The addresses that a page links to."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from lxml import etree

from corpus.crawl.extract import tree
from corpus.dedup.address import normalise_url

MOST_LINKS = 5_000  # of one page: a site map has more, a page of documentation never
_MOST_CHARACTERS = 2_000
_TAGS = ("a", "area", "frame", "iframe")


def links_of(html: str, url: str) -> list[str]:
    """Normalised addresses of other pages in the order of the page, each once. Nothing raises for markup."""
    try:
        root = tree.parse(html)
    except ValueError:  # no element at all
        return []
    own, base = normalise_url(url), _base(root, url)
    found: dict[str, None] = {}
    for element in root.iter(*_TAGS):
        target = str(element.get("href") or element.get("src") or "").strip()
        if not target or target.startswith("#") or len(target) > _MOST_CHARACTERS:
            continue
        key = _normalised(base, target)
        if key and key != own:
            found[key] = None
            if len(found) >= MOST_LINKS:
                break
    return list(found)


def _base(root: etree._Element, url: str) -> str:
    element = root.find(".//base[@href]")
    if element is None:
        return url
    try:
        base = urljoin(url, str(element.get("href")).strip())
        return base if urlsplit(base).scheme in ("http", "https") else url
    except ValueError:
        return url


def _normalised(base: str, target: str) -> str:
    try:
        return normalise_url(urljoin(base, target))
    except ValueError:  # brackets, ports and the like that are none
        return ""
