"""The layout of a text as tokens: which kinds of signs stand side by side, and how its lines run.

Neighbouring classes of signs tell code from prose in any language: a letter before `(` is a call, a letter
beside `_` a name of two words, a line break before spaces an indentation, a small letter before a capital a
compound name. All pairs are counted at once, and each that occurs becomes a token with its rate in steps of
powers of two.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from corpus.relevance.features.signs import CLASSES, NAMES, Codes, Signs

_LEAST = 400  # signs; a shorter text counts as one of this length, or each of its pairs would be frequent
_STEPS = 12
_SHORT, _LONG, _NARROW = 40, 200, 5.99
TOKENS = [f"p{one}{other}{step}" for one in NAMES for other in NAMES for step in range(_STEPS)]


def pair_tokens(signs: Signs) -> list[str]:
    """Tokens such as `pl(3`, a letter before a bracket, three steps often."""
    _, numbers = pair_numbers(signs.pairs, np.array([len(signs.pairs)]))
    return [TOKENS[number] for number in numbers.tolist()]


def pair_numbers(pairs: Codes, sizes: Codes) -> tuple[Codes, Codes]:
    """The same of texts whose pairs stand one behind the other: the text's place, the number in `TOKENS`."""
    kinds = CLASSES * CLASSES
    cells = pairs + np.repeat(np.arange(len(sizes)) * kinds, sizes)
    counts = np.bincount(cells, minlength=len(sizes) * kinds)
    there = np.flatnonzero(counts != 0)
    text, pair = there // kinds, there % kinds
    rates = counts[there] * (1000 / np.maximum(sizes, _LEAST))[text]
    steps = np.minimum(np.ceil(np.log2(1 + rates)), _STEPS - 1).astype(np.intp)
    return text, pair * _STEPS + steps


def line_tokens(body: str, length: int) -> list[str]:
    """Shares of short, long, indented and different lines; `length` is that of the whole text."""
    lines = list(filter(None, body.split("\n")))
    count = max(len(lines), 1)
    widths = sorted(map(len, lines))
    short, long = bisect_left(widths, _SHORT), len(widths) - bisect_right(widths, _LONG)
    indented = min(body.count("\n ") + body.count("\n\t"), count)
    return [
        f"g_short{int(_NARROW * short / count)}",
        f"g_long{int(_NARROW * long / count)}",
        f"g_indented{int(_NARROW * indented / count)}",
        f"g_different{int(_NARROW * len(set(lines)) / count)}",
        f"g_lines{count.bit_length()}",
        f"g_longest{(widths[-1] if widths else 0).bit_length()}",
        f"g_length{length.bit_length()}",
    ]
