"""What the classifier sees of a page: a bag of tokens. Training and filter share these functions.

Words keep the topic, concepts carry it from one language to another, and the layout tells what makes a page a
reference (calls, signatures, lists of definitions, tables) on sites whose words were never seen. The host
is left out, so that no site is learnt by its name.
"""

from __future__ import annotations

from corpus.relevance.features.bag import bag, fasttext_line, rough_bag, sample, url_words
from corpus.relevance.features.shapes import shape_counts

__all__ = ["FEATURE_VERSION", "bag", "fasttext_line", "rough_bag", "sample", "shape_counts", "url_words"]
FEATURE_VERSION = 2
