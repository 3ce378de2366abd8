"""What of a benchmark part can prove that a page holds it: its n-grams, or the units of its calls.

Few words prove nothing. A part counts if it has enough words, and enough of them that not every text has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from corpus.hygiene.calls import Call
from corpus.hygiene.tokens import tokens
from corpus.hygiene.wordlist import words_of_text

# Distinct words beyond the commonest ones that a part must have: the fewer words in all, the more of them.
_LONG, _RARE_OF_LONG, _RARE_OF_SHORT = 8, 2, 3
_ANCHORS = 4  # units per call part that are searched for; the others are looked for around them
_LEAST_ANCHOR = 2  # tokens
_MOST_ACCEPTED = 8
_LEAST_IDENTITY = 8  # characters of an id that tells an item from everything else
_MOST_ARGUMENTS = 200
Words = tuple[str, ...]

# The words that questions are put with, whatever they ask for.
_COMMON = words_of_text(
    """
    a about all am an and any are as at be been but by can could create did do does for from get give
    had has have he help her here him his how i if in into is it its just let like list make may me
    more my need no not now of on one or our out please s she should show so some tell than that the
    their them then there these they this to up us use using value want was we were what when where
    which who why will with would you your name type string true false null none file data set find
    know new time t m re ve ll d el la de que un una le les des et und der die das function call
    arguments id key text content user assistant role question answer
    """
)


@dataclass(frozen=True)
class Unit:
    """One argument (or the name) of a call: accepted token sequences, of which one must be there."""

    accepted: tuple[Words, ...]
    optional: bool = False
    is_name: bool = False

    @property
    def size(self) -> int:
        return min(len(words) for words in self.accepted)


def is_wide(word: str) -> bool:
    return len(word) == 1 and word > "\u3040"


def weight(words: Sequence[str]) -> float:
    """Words by count; a character of a script without spaces is half a word."""
    return len(words) - 0.5 * sum(map(is_wide, words))


def rare_words(words: Sequence[str]) -> int:
    """Distinct words beyond the commonest ones; numbers of one or two digits are common, too."""
    return sum(
        not (word in _COMMON or (word.isdigit() and len(word) < 3) or _is_letter(word)) for word in set(words)
    )


def _is_letter(word: str) -> bool:
    return len(word) == 1 and not is_wide(word)


def enough(words: Sequence[str], least_words: int) -> bool:
    size = weight(words)
    return size >= least_words and rare_words(words) >= (_RARE_OF_LONG if size >= _LONG else _RARE_OF_SHORT)


def tokens_needed(words: Sequence[str], least: int) -> int:
    """How many tokens of this text weigh as much as `least` words, at most all of them."""
    return min(len(words), math.ceil(least * len(words) / weight(words)))


def units_of(calls: Sequence[Call]) -> list[list[Unit]]:
    """The units of each call, its name first."""
    return [list(_units(call)) for call in calls]


def _units(call: Call) -> Iterator[Unit]:
    yield Unit((tuple(tokens(call.name)),), is_name=True)
    for name, values in call.arguments[:_MOST_ARGUMENTS]:
        start = tokens(name)
        accepted = sorted({(*start, *tokens(value)) for value in values if value} - {()})
        # A name without a value, as in f(x=""), says no more than the function's documentation.
        if accepted:
            yield Unit(tuple(accepted), optional="" in values)


def with_identity(item: str, words: Sequence[str], calls: Sequence[Sequence[Unit]]) -> list[list[Unit]]:
    """A part that proves nothing alone, and the item's id, which must stand near it: the record as published.

    Empty where the id is a bare number: one of few digits stands near anything.
    """
    name = tuple(tokens(item))
    if sum(map(len, name)) < _LEAST_IDENTITY or not any(char.isdigit() for char in item):
        return []
    rest = [replace(unit, is_name=False) for units in calls for unit in units]
    text = [Unit((tuple(words),))] if words else []
    return [[Unit((name,), is_name=True), *text, *rest]]


def words_of(calls: Sequence[Sequence[Unit]]) -> list[str]:
    """All tokens that a page with these calls must have."""
    return [word for units in calls for unit in units if not unit.optional for word in unit.accepted[0]]


def anchors_of(calls: Sequence[Sequence[Unit]], size: int, parts: Mapping[Words, int]) -> list[Words]:
    """The token sequences, at most `size` long, by which a page with these calls is found.

    Those of the units that fewest `parts` of the benchmarks have; a unit enters with all that it accepts.
    """
    units = [unit for call in calls for unit in call if not unit.optional and is_anchor(unit)]

    def price(unit: Unit) -> tuple[int, int, int, tuple[Words, ...]]:
        seen = max(parts.get(words[:size], 0) for words in unit.accepted)
        return seen, -max(map(rare_words, unit.accepted)), -unit.size, unit.accepted

    chosen = sorted(units, key=price)[:_ANCHORS]
    return sorted({words[:size] for unit in chosen for words in unit.accepted[:_MOST_ACCEPTED]})


def is_anchor(unit: Unit) -> bool:
    """Whether all forms of a unit are long and rare enough to search for."""
    return all(len(words) >= _LEAST_ANCHOR and rare_words(words) for words in unit.accepted)
