"""A page in full: its title, text and what it says of its own use, for the few pages that are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus.crawl.charset import clean
from corpus.crawl.extract import article, document, tree
from corpus.crawl.rules import policy

OURS, OURS_CUT, TRAFILATURA = "documentation", "documentation-cut", "trafilatura"
_LEAST = 0.2  # of our text's characters; a reading of less has lost a part of the article
_FENCED = re.compile(r"^(`{3,})[^\n]*\n(.*?)\n\1$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Description(policy.Statements):
    """What a page says of itself, and of its own use."""

    title: str


@dataclass(frozen=True, kw_only=True)
class Extraction(Description):
    """What the full pass makes of a page.

    `extractor`: `documentation`, `documentation-cut` where a page was too large or too
    deep to be read to its end, `trafilatura` for articles. `code_share`: characters inside fenced blocks over
    all. `fidelity`: share of the code lines and table cells of the page's main area that `text` kept.
    """

    text: str
    extractor: str
    code_share: float
    fidelity: float


def describe(html: str, *, robots: str = "", link: str = "", tdm: str = "") -> Description:
    """Title and statements of a page alone. The HTTP headers are those that `policy.read` takes."""
    try:
        title = clean(tree.title(tree.parse(html)))
    except ValueError:  # no element at all
        title = ""
    return Description(title=title, **vars(policy.read(html, robots=robots, link=link, tdm=tdm)))


def full_extract(
    html: str,
    url: str,
    *,
    robots: str = "",
    link: str = "",
    tdm: str = "",
    said: policy.Statements | None = None,
) -> Extraction:
    """Title, text and statements of a page. The HTTP headers are those that `policy.read` takes.

    `said`: the statements, where they were read before.
    """
    stated = vars(said or policy.read(html, robots=robots, link=link, tdm=tdm))
    title, text, extractor, fidelity = _read(html, url)
    return Extraction(
        title=title,
        **stated,
        text=text,
        extractor=extractor,
        code_share=code_share(text),
        fidelity=fidelity,
    )


def _read(html: str, url: str) -> tuple[str, str, str, float]:
    """Title, text, extractor and fidelity."""
    try:
        found = document.extract(html, url)
    except ValueError:  # no element at all
        return "", "", OURS, 1.0
    title, text = clean(found.title), clean(found.text)
    if found.is_article:
        prose = clean(article.by_trafilatura(html, url))
        if len(prose) >= _LEAST * len(text):
            return title, prose, TRAFILATURA, found.fidelity_of(prose)
    return title, text, OURS_CUT if found.cut else OURS, found.fidelity


def code_share(text: str) -> float:
    """Share of the characters that stand inside fenced code blocks."""
    return sum(len(found.group(2)) for found in _FENCED.finditer(text)) / len(text) if text else 0.0
