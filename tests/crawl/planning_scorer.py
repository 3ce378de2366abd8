"""A scorer that is loaded as the classifier is: by a function that takes a folder."""

from __future__ import annotations

from tests.crawl.children import WordScorer


def load(folder: str) -> WordScorer:
    return WordScorer()
