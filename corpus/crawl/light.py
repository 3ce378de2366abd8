"""The light text of a page: what the classifier sees, cheap beside full extraction."""

from __future__ import annotations

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

_LEAST_MAIN = 0.2  # main content below this share of all text has lost the page, not the navigation
_SURE_MAIN = 2_000  # characters of main content from which on it is not doubted


def light_text(html: str) -> str:
    """The text of a page: resiliparse's main content, or all text where that misses the page."""
    tree = HTMLTree.parse(html)
    main = str(extract_plain_text(tree, preserve_formatting=True, main_content=True, alt_texts=False))
    if len(main) < _SURE_MAIN:
        everything = str(
            extract_plain_text(tree, preserve_formatting=True, main_content=False, alt_texts=False)
        )
        if len(main) < _LEAST_MAIN * len(everything):
            return everything
    return main
