"""HTML to text, twice: a light pass for every page, and a full one for the few that are kept."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

import trafilatura
from lxml import html as lxml_html
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from corpus.crawl import policy
from corpus.crawl.blocks import Protected, parse, protect
from corpus.crawl.charset import clean

TRAFILATURA, RESILIPARSE = "trafilatura", "resiliparse"
_LEAST_MAIN = 0.2  # main content below this share of all text has lost the page, not the navigation
_MUCH_LESS = 0.6  # trafilatura's text below this share of resiliparse's has lost a part of the page
_FENCED = re.compile(r"^(`{3,})[^\n]*\n(.*?)\n\1$", re.MULTILINE | re.DOTALL)
# the text is not to be rendered: `log\_directory` goes back to `log_directory`; code spans hold no escapes
_CODE_SPAN_OR_ESCAPE = re.compile(r"((`+)(?!`).+?(?<!`)\2(?!`))|\\([*_`~\[\]<>#+.)-])")
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it logs every page that it finds odd


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a page says of itself; `opt_out` holds its robots directives, joined by commas."""

    title: str
    licence: str | None
    opt_out: str


@dataclass(frozen=True, kw_only=True)
class Extraction(Description):
    """What the full pass makes of a page. `code_share`: characters inside fenced blocks over all."""

    text: str
    extractor: str
    code_share: float


def light_text(html: str) -> str:
    """The text of a page: resiliparse's main content, or all text where that misses the page."""
    tree = HTMLTree.parse(html)
    main = str(extract_plain_text(tree, preserve_formatting=True, main_content=True, alt_texts=False))
    if len(main) < 2_000:
        everything = str(
            extract_plain_text(tree, preserve_formatting=True, main_content=False, alt_texts=False)
        )
        if len(main) < _LEAST_MAIN * len(everything):
            return everything
    return main


def describe(html: str, *, robots: str = "", link: str = "") -> Description:
    """Title, licence and robots directives of a page alone. `robots` and `link` are the HTTP headers."""
    try:
        title = _title(parse(html))
    except (lxml_html.etree.ParserError, ValueError):  # no element at all
        title = ""
    return Description(title=title, licence=policy.licence(html, link), opt_out=policy.opt_out(html, robots))


def full_extract(html: str, url: str, *, robots: str = "", link: str = "") -> Extraction:
    """Title, text, licence and robots directives of a page. `robots` and `link` are the HTTP headers.

    The text is trafilatura's; resiliparse's where trafilatura lost more of the code, or much of the text.
    """
    licence, opt_out = policy.licence(html, link), policy.opt_out(html, robots)
    try:
        page = protect(html)
    except (lxml_html.etree.ParserError, ValueError):  # no element at all
        return Extraction(
            title="", licence=licence, opt_out=opt_out, text="", extractor=RESILIPARSE, code_share=0.0
        )
    title = _title(page.tree)
    markup = lxml_html.tostring(page.tree, encoding="unicode")
    second = _by_resiliparse(markup)
    first = _by_trafilatura(page, url)
    name, text = choose(page, first, second)
    text = clean(page.restore(text))
    return Extraction(
        title=title,
        licence=licence,
        opt_out=opt_out,
        text=text,
        extractor=name,
        code_share=code_share(text),
    )


def choose(page: Protected, by_trafilatura: str, by_resiliparse: str) -> tuple[str, str]:
    """The better of two extractions of the same page, and its name."""
    lost_code = page.kept_code(by_trafilatura) < page.kept_code(by_resiliparse)
    lost_text = len(by_trafilatura) < _MUCH_LESS * len(by_resiliparse)
    if lost_code or lost_text:
        return RESILIPARSE, by_resiliparse
    return TRAFILATURA, by_trafilatura


def code_share(text: str) -> float:
    """Share of the characters that stand inside fenced code blocks."""
    return sum(len(found.group(2)) for found in _FENCED.finditer(text)) / len(text) if text else 0.0


def _by_trafilatura(page: Protected, url: str) -> str:
    """Never with `deduplicate` (the text would depend on the pages before) nor with metadata (slow)."""
    try:
        text = trafilatura.extract(
            page.tree,
            url=url or None,
            output_format="markdown",
            include_formatting=True,
            include_links=False,
            include_images=False,
            include_comments=True,
            include_tables=True,
            favor_recall=False,
            deduplicate=False,
            with_metadata=False,
        )
    except (ValueError, TypeError, AttributeError, RecursionError, AssertionError, KeyError, IndexError):
        return ""  # pages that trafilatura stumbles over are left to resiliparse
    return _CODE_SPAN_OR_ESCAPE.sub(lambda found: found.group(1) or found.group(3), text or "")


def _by_resiliparse(markup: str) -> str:
    return str(extract_plain_text(markup, preserve_formatting=True, main_content=True, alt_texts=False))


def _title(tree: lxml_html.HtmlElement) -> str:
    for path in ("//head/title", "//title", "//h1"):
        for node in tree.xpath(path)[:1]:
            title = " ".join(node.text_content().split())
            if title:
                return clean(title[:500])
    return ""
