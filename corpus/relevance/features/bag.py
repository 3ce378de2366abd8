"""The bag of a page's tokens, each with its weight, and the same as a line of text."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import chain, repeat
from urllib.parse import unquote

from corpus.relevance.features.concepts import concepts
from corpus.relevance.features.profile import line_tokens, pair_tokens
from corpus.relevance.features.signs import Signs

HEAD, MIDDLE = 3_000, 1_500  # characters read from the start and from the middle of a page
MOST_LEVELS = 64  # a token that occurs more often weighs no more
_URL_WORD, _BEHIND = re.compile(r"[a-z]{2,20}"), re.compile(r"[?#]")
# A token's weight in the bag grows with the logarithm of its number: 1, 2, 2, 2, 3, ...
LEVELS = [0, *(round(1 + math.log(count)) for count in range(1, MOST_LEVELS + 1))]


def fasttext_line(text: str, url: str = "") -> str:
    """The bag as one line for fastText, without a label; each token as many times as it weighs.

    Empty for a page without text.
    """
    found = bag(text, url)
    return " ".join(chain.from_iterable(repeat(token, level) for token, level in found))


def bag(text: str, url: str = "") -> list[tuple[str, int]]:
    """The different tokens of a page, in the order of the page, and how much each weighs.

    With `url`, the words of its path are added as tokens of their own; host, query and fragment are not.
    """
    body = sample(text)
    if not body or body.isspace():
        return []
    signs = Signs.of(body)
    shapes = (*pair_tokens(signs), *line_tokens(body, len(text)), *url_words(url))
    return [*((shape, 1) for shape in shapes), *_words(signs, body)]


def rough_bag(text: str) -> list[tuple[str, int]]:
    """The words and concepts alone, of a text that has lost its layout."""
    body = sample(text)
    return _words(Signs.of(body), body)


def sample(text: str) -> str:
    """The start of a text and a piece of its middle, which together are cheap and tell enough."""
    if len(text) <= HEAD + MIDDLE:
        return text
    start = max(HEAD, (len(text) - MIDDLE) // 2)
    return text[:HEAD] + "\n" + text[start : start + MIDDLE]


def url_words(url: str) -> list[str]:
    """Words of the path: `/docs/api/list_users.html` gives url_docs, url_api, url_list, url_users."""
    path = _BEHIND.split(url.partition("://")[2].partition("/")[2], maxsplit=1)[0]
    if "%" in path:
        path = unquote(path)
    return [f"url_{word}" for word in dict.fromkeys(_URL_WORD.findall(path[-300:].lower()))][:12]


def _words(signs: Signs, body: str) -> list[tuple[str, int]]:
    counts = Counter(signs.words().split())
    both = chain(concepts(counts, body).items(), counts.items())
    return [(token, LEVELS[min(count, MOST_LEVELS)]) for token, count in both]
