"""From a page and its site's selectors to its truth, by lxml and no extractor."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree, html
from lxml.html import HtmlElement

from tests.benchmarks.extraction.sites import Site
from tests.benchmarks.extraction.truth import Truth
from tests.benchmarks.extraction.walk import UNSEEN, Chosen, Walk


def read_truth(page: str, site: Site) -> Truth | None:
    """None where the page has no main area."""
    root = parse(page)
    chosen = choose(root, site)
    if not chosen.main:
        return None
    truth = Truth()
    inside = Walk(truth, chosen)
    for main in chosen.main:
        inside.block(main)
    outside = Walk(Truth(), Chosen(main=[], neutral=frozenset(chosen.main)), all_text=True)
    outside.block(root)
    for element in chosen.dropped:
        if element.tag not in UNSEEN:
            outside.block(element)
    titles = [title.text_content() for title in root.iter("title")]
    truth.outside = [*titles, *outside.truth.inside]
    return truth


def parse(page: str) -> HtmlElement:
    """The whole document; the page's own declaration of an encoding is not asked, the text is decoded already."""
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        root = html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, ValueError):
        root = html.document_fromstring(b"<html><body></body></html>", parser=parser)
    return root


def choose(root: HtmlElement, site: Site) -> Chosen:
    found: list[HtmlElement] = []
    for path in site.main:
        found = list(root.xpath(path))
        if found:
            break
    among = set(found)
    main = [element for element in found if among.isdisjoint(element.iterancestors())]
    return Chosen(
        main=main,
        dropped=_all(main, site.drop),
        neutral=_all(main, site.neutral),
        signatures=_all(main, site.signatures),
        layout=_all(main, site.layout),
        code=_all(main, site.code),
    )


def _all(main: Iterable[HtmlElement], paths: Iterable[str]) -> frozenset[HtmlElement]:
    return frozenset(element for area in main for path in paths for element in area.xpath(path))
