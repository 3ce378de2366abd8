"""News, blogs and other prose: which pages are articles, and trafilatura's reading of them."""

from __future__ import annotations

import logging
import re

import trafilatura

from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.tree import Page

_HEAD = 128 << 10  # characters in which a page says what it is
_SAYS_ARTICLE = re.compile(
    r"""property=["']?(?:og:type["']?\s+content=["']?article|article:published_time)"""
    r"""|content=["']?article["']?\s+property=["']?og:type"""
    r"""|"@type"\s*:\s*\[?\s*"(?:\w*NewsArticle|Article|BlogPosting|LiveBlogPosting|OpinionNewsArticle)\""""
    r"""|itemtype=["']?https?://schema\.org/(?:\w*Article|BlogPosting|Blog)"""
    r"""|<meta\s+name=["']?generator["']?\s+content=["']?(?:WordPress|Blogger|Ghost|TYPO3|Drupal|Joomla|Typepad)"""
    r"""|/wp-content/(?:themes|uploads)/|\bhentry\b""",
    re.IGNORECASE,
)
_SAYS_DOCUMENTATION = re.compile(
    r"""<meta\s+(?:name=["']?generator["']?\s+content|content=["'][^"']{0,80}["']\s+name=["']?generator)[^>]{0,60}"""
    r"""(?:sphinx|docutils|mkdocs|docusaurus|vuepress|vitepress|gitbook|doxygen|javadoc|docbook|asciidoctor|antora|"""
    r"""rustdoc|typedoc|jsdoc|pdoc|yard|exdoc|haddock|texinfo|makeinfo|gtk-doc|docfx|mdbook|starlight|nextra|slate)"""
    r"""|_static/(?:pygments|documentation_options|doctools)|sphinx_rtd|theme-doc-markdown|searchindex\.js""",
    re.IGNORECASE,
)
_DOCUMENTATION_ADDRESS = re.compile(
    r"(?:^|[/._-])(?:docs?|documentation|api|apis|apidocs?|apiref|reference|refman|manual|manpages?|man|help|guides?|"
    r"tutorials?|sdk|developers?|devel|dev|spec|specs|specification|handbook|kb|faq|wiki|readthedocs|javadoc)(?=[/._-]|$)",
    re.IGNORECASE,
)
_SAYS_RECIPE = re.compile(
    r"""\"@type\"\s*:\s*\[?\s*\"Recipe\"|schema\.org/Recipe"""
)  # lists, which trafilatura loses
_CODE = v.names("pre code tt kbd samp var dl")
_FORMATTED = 0.08  # share of characters in code, data tables and terms above which a page is no mere prose
_SCRIPTS = 5  # the web's articles bring at least as many scripts along
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it logs every page that it finds odd


def is_article(markup: str, url: str, page: Page, area: int) -> bool:
    """Whether a page is prose of the web at large and no documentation.

    It is one if it says so itself, or holds no code at all among many scripts, unless its generator or
    address is that of documentation or a part of its main area is code, terms or marked tables.
    """
    formatted, codes = 0, 0
    i, end = area, page.ends[area]
    while i < end:
        tag = page.tags[i]
        codes += tag in _CODE
        if tag in ("pre", "dt") or page.marks[i] & v.DATA:
            formatted += page.mass[i]
            i = page.ends[i]
        else:
            i += 1
    if formatted > _FORMATTED * page.mass[area] or _DOCUMENTATION_ADDRESS.search(url.partition("://")[2]):
        return False
    head = markup[:_HEAD]
    if _SAYS_DOCUMENTATION.search(head) or _SAYS_RECIPE.search(markup):
        return False
    return (not codes and markup.count("<script") >= _SCRIPTS) or bool(_SAYS_ARTICLE.search(head))


def by_trafilatura(markup: str, url: str) -> str:
    """Never with `deduplicate` (the text would depend on the pages before) nor with metadata (slow)."""
    try:
        return (
            trafilatura.extract(
                markup,
                url=url or None,
                output_format="txt",
                include_formatting=False,
                include_links=False,
                include_images=False,
                include_comments=True,
                include_tables=True,
                deduplicate=False,
                with_metadata=False,
            )
            or ""
        )
    except (ValueError, TypeError, AttributeError, RecursionError, AssertionError, KeyError, IndexError):
        return ""  # pages that trafilatura stumbles over are left to our own rendering
