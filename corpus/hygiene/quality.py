"""Quality rules: `measure` annotates a text with signals, `failed` holds them against limits.

The signals are columns of the pages, whatever becomes of them; `Limits` alone decides, so other limits can be
tried on finished pages. The defaults are far wider than those of the papers, which were made for prose: API
references repeat their words, have short lines and are full of signs. `python -m tests.benchmarks.quality`
measures what each rule removes of wanted pages, of others and of stubs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from corpus.engine.config import option
from corpus.hygiene.quality_ngrams import REPEATED, TOP, shares
from corpus.hygiene.quality_signals import SIGNALS
from corpus.hygiene.quality_text import cut

PREFIX = "quality_"  # of the columns, and of the reasons in the ledger
_NAMES = (
    *(signal.__name__ for signal in SIGNALS),
    *(f"top_{n}gram" for n in TOP),
    *(f"repeated_{n}gram" for n in REPEATED),
)
QUALITY_COLUMNS: tuple[str, ...] = tuple(PREFIX + name for name in _NAMES)


def _least(help: str, default: float | None) -> float | None:
    value: float | None = option(f"{help}; null: no limit", default, least=0)
    return value


def _most(help: str, default: float | None) -> float | None:
    return _least(help, default)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The keys `quality.*`: `min_x` and `max_x` bound the signal x, null switches the rule off."""

    min_words: float | None = _least("words of the page, code and tables among them", 15)
    max_words: float | None = _most("words of the page", None)
    min_mean_word_length: float | None = _least("characters to a word of prose", 2.5)
    max_mean_word_length: float | None = _most("characters to a word of prose", 25)
    max_symbol_ratio: float | None = _most("hash signs and ellipses to a word", 0.4)
    max_bullet_lines: float | None = _most("share of lines that begin with a bullet", 0.98)
    max_ellipsis_lines: float | None = _most("share of lines that end with an ellipsis", 0.5)
    min_alphabetic_words: float | None = _least("share of words with a letter", 0.4)
    min_stop_words: float | None = _least("different function words; listings of code have none", None)
    max_duplicate_lines: float | None = _most("share of lines that stood there before", 0.8)
    max_duplicate_line_characters: float | None = _most("share of characters in such lines", 0.75)
    max_duplicate_paragraphs: float | None = _most("share of paragraphs that stood there before", 0.8)
    max_duplicate_paragraph_characters: float | None = _most("share of characters in such paragraphs", 0.75)
    max_lorem_ipsum: float | None = _most("1 where the filler text stands in the prose", 0)
    max_javascript_notice: float | None = _most("share of lines that ask for JavaScript or cookies", 0.2)
    max_curly_brackets: float | None = _most("curly brackets to a word of prose; code has them", None)
    min_punctuated_lines: float | None = _least("share of lines that end in punctuation", None)
    max_short_lines: float | None = _most("share of lines of 30 characters or fewer", None)
    min_substance: float | None = _least("words of sentences, code and tables: stubs have none", 10)
    min_substance_share: float | None = _least("share of such words: link farms have none", 0.1)
    max_top_2gram: float | None = _most("share of characters in the commonest pair of words", 0.65)
    max_top_3gram: float | None = _most("share of characters in the commonest 3 words", 0.65)
    max_top_4gram: float | None = _most("share of characters in the commonest 4 words", 0.65)
    max_repeated_5gram: float | None = _most("share of characters in 5 words that stood there before", 0.85)
    max_repeated_10gram: float | None = _most("share of characters in 10 words that stood there before", 0.8)


# (rule, column, name of the limit): a rule is called by its signal
_RULES = tuple(
    (field.name[4:], PREFIX + field.name[4:], field.name, field.name.startswith("min_"))
    for field in fields(Limits)
)


def measure(text: str) -> dict[str, float]:
    """The signals of a text, one for each of `QUALITY_COLUMNS`; linear in its length."""
    found = cut(text)
    values = [signal(found) for signal in SIGNALS]
    top, repeated = shares(found)
    values += [top[n] for n in TOP] + [repeated[n] for n in REPEATED]
    return dict(zip(QUALITY_COLUMNS, values, strict=True))


def failed(signals: Mapping[str, float], limits: Limits) -> tuple[str, ...]:
    """The rules that the signals break, in the order of `Limits`; as reasons they are `quality_<rule>`."""
    broken = []
    for rule, column, name, least in _RULES:
        limit = getattr(limits, name)
        if limit is not None and (signals[column] < limit if least else signals[column] > limit):
            broken.append(rule)
    return tuple(dict.fromkeys(broken))
