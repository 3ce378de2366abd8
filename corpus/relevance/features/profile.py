"""The layout of a text as tokens: which kinds of signs stand side by side, and how its lines run.

Neighbouring classes of signs tell code from prose in any language: a letter before `(` is a call, a letter
beside `_` a name of two words, a line break before spaces an indentation, a small letter before a capital a
compound name. All pairs are counted at once, and each that occurs becomes a token with its rate in steps of
powers of two.
"""

from __future__ import annotations

import numpy as np

from corpus.relevance.features.signs import CLASSES, NAMES, Codes, Signs

_LEAST = 400  # signs; a shorter text counts as one of this length, or each of its pairs would be frequent
_STEPS = 12
_SHORT, _LONG, _NARROW = 40, 200, 5.99
TOKENS = [f"p{one}{other}{step}" for one in NAMES for other in NAMES for step in range(_STEPS)]


def pair_tokens(signs: Signs) -> list[str]:
    """Tokens such as `pl(3`, a letter before a bracket, three steps often."""
    return [TOKENS[number] for number in pair_numbers(signs).tolist()]


def pair_numbers(signs: Signs) -> Codes:
    """The same by their numbers in `TOKENS`."""
    counts = np.bincount(signs.pairs, minlength=CLASSES * CLASSES)
    there = np.flatnonzero(counts)
    rates = counts[there] * (1000 / max(len(signs.pairs), _LEAST))
    steps = np.minimum(np.ceil(np.log2(1 + rates)), _STEPS - 1).astype(np.intp)
    found: Codes = there * _STEPS + steps
    return found


def line_tokens(body: str, length: int) -> list[str]:
    """Shares of short, long, indented and different lines; `length` is that of the whole text."""
    lines = [line for line in body.split("\n") if line and not line.isspace()]
    count = max(len(lines), 1)
    widths = list(map(len, lines))
    short, long = (sum([w < _SHORT for w in widths]), sum([w > _LONG for w in widths]))
    indented = sum([line[0] in " \t" for line in lines])
    return [
        f"g_short{int(_NARROW * short / count)}",
        f"g_long{int(_NARROW * long / count)}",
        f"g_indented{int(_NARROW * indented / count)}",
        f"g_different{int(_NARROW * len(set(lines)) / count)}",
        f"g_lines{count.bit_length()}",
        f"g_longest{max(widths, default=0).bit_length()}",
        f"g_length{length.bit_length()}",
    ]
