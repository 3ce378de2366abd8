"""The signals of the quality rules: one function each, from a text that is cut up, to a number.

Sources: Gopher is Rae et al. 2021 (arXiv 2112.11446, appendix A.1.1), C4 is Raffel et al. 2020 (arXiv
1910.10683, section 2.2), FineWeb is Penedo et al. 2024 (arXiv 2406.17557, section 3.6). All work on prose
alone: code blocks and tables repeat words, end lines with brackets and are full of symbols because that is
what they are. A signal that has nothing to be measured on is neutral: shares that must be small are 0,
others 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from corpus.hygiene.quality_text import BULLETS, TERMINAL, Text

_SHORT_LINE = 30
_LETTER = re.compile(r"[^\W\d_]")
_CURLY = ("{", "}")
# the commonest function words of languages that use them as words of their own, a language to a line
_FUNCTION_WORDS = """
the be to of and that have with is in for a this are
der die das und ist von mit nicht ein eine zu den
le la les de des et est un une pour que dans
el los las en y que por con para una es se
o os as do da em um uma para com não por
il lo gli di che e per con una non del della
het een van en niet dat met voor zijn op
i w na z do nie się to jest że
и в не на что с по как для это из
och att det som är på av för med
og at er til af den som det
ja ei on se että ovat
ve bir bu için ile da de
și în cu la este pe nu
a az és nem hogy egy
a se v na je že s
yang dan di untuk dengan ini dari
và của là các cho trong
і в у на що та не для з
"""
_STOP_WORDS = frozenset(_FUNCTION_WORDS.split())


def words(text: Text) -> float:
    """Words of the whole text, code and tables too. Gopher: 50 to 100,000."""
    return float(len(text.words) + text.code_words + text.table_words)


def mean_word_length(text: Text) -> float:
    """Characters to a word of prose. Gopher: 3 to 10. Scripts without spaces have 5, the neutral value."""
    if text.spaceless or not text.words:
        return 5.0
    found = text.vocabulary
    return float(found.counts @ found.sizes) / len(text.words)


def symbol_ratio(text: Text) -> float:
    """Hash signs and ellipses to a word. Gopher: at most 0.1. Headings (`## `) are markup, not signs."""
    signs = 0
    for line in text.lines:
        if "#" in line:
            signs += line.lstrip("#").count("#")
        signs += line.count("...") + line.count("\u2026")
    return signs / max(len(text.words), 1)


def bullet_lines(text: Text) -> float:
    """Share of lines that begin with a bullet. Gopher: at most 0.9."""
    return _share(sum(line.startswith(BULLETS) for line in text.lines), len(text.lines))


def ellipsis_lines(text: Text) -> float:
    """Share of lines that end with an ellipsis, as teasers do. Gopher: at most 0.3."""
    return _share(sum(line.endswith(("...", "\u2026")) for line in text.lines), len(text.lines))


def alphabetic_words(text: Text) -> float:
    """Share of words with a letter in them. Gopher: at least 0.8."""
    if not text.words:
        return 1.0
    found = text.vocabulary
    lettered = np.array([word.isalpha() or _LETTER.search(word) is not None for word in found.known])
    return float(found.counts @ lettered) / len(text.words)


def stop_words(text: Text) -> float:
    """Different function words. Gopher: at least 2 of 8 English ones; here of many languages.

    Scripts without spaces have none that could be told apart: 2, the neutral value.
    """
    if text.spaceless or not text.words:
        return 2.0
    return float(len(_STOP_WORDS.intersection(map(str.lower, text.vocabulary.known))))


def duplicate_lines(text: Text) -> float:
    """Share of lines that stood there before. Gopher: at most 0.3."""
    return _share(len(text.lines) - len(set(text.lines)), len(text.lines))


def duplicate_line_characters(text: Text) -> float:
    """Share of characters in lines that stood there before. Gopher: at most 0.2; FineWeb: at most 0.1."""
    return _share(text.characters - sum(map(len, set(text.lines))), text.characters)


def duplicate_paragraphs(text: Text) -> float:
    """Share of paragraphs that stood there before. Gopher: at most 0.3."""
    found = paragraphs(text)
    return _share(len(found) - len(set(found)), len(found))


def duplicate_paragraph_characters(text: Text) -> float:
    """Share of characters in paragraphs that stood there before. Gopher: at most 0.2."""
    found = paragraphs(text)
    every = sum(map(len, found))
    return _share(every - sum(map(len, set(found))), every)


def lorem_ipsum(text: Text) -> float:
    """1 where the filler text stands in the prose. C4."""
    return float("lorem ipsum" in text.lower)


def javascript_notice(text: Text) -> float:
    """Share of lines that ask for JavaScript or cookies. C4 removes all lines with the word."""
    asking = sum("javascript" in said or "cookie" in said for said in text.notices.values())
    return _share(asking, len(text.lines))


def curly_brackets(text: Text) -> float:
    """Curly brackets to a word of prose. C4 drops pages with any; code in sentences has them."""
    return sum(line.count(sign) for line in text.lines for sign in _CURLY) / max(len(text.words), 1)


def punctuated_lines(text: Text) -> float:
    """Share of lines that end with terminal punctuation. FineWeb: above 0.12."""
    if not text.lines:
        return 1.0
    return sum(line.endswith(TERMINAL) for line in text.lines) / len(text.lines)


def short_lines(text: Text) -> float:
    """Share of lines of 30 characters or fewer. FineWeb: at most 0.67."""
    return _share(sum(len(line) <= _SHORT_LINE for line in text.lines), len(text.lines))


def substance(text: Text) -> float:
    """Words that say something: those of sentences, declarations, code and tables. Our own, against stubs.

    Lists of links, title pages, notices of redirection and frames around nothing have next to none, however
    long they are; the shortest reference entry has a sentence or a line of code.
    """
    return float(text.sentence_words + text.code_words + text.table_words)


def substance_share(text: Text) -> float:
    """Share of all words that `substance` counts. Our own, against link farms, which are titles alone."""
    every = words(text)
    return substance(text) / every if every else 0.0


def paragraphs(text: Text) -> list[str]:
    ends = (*text.starts[1:], len(text.lines))
    return ["\n".join(text.lines[start:end]) for start, end in zip(text.starts, ends)]


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


SIGNALS: tuple[Callable[[Text], float], ...] = (
    words,
    mean_word_length,
    symbol_ratio,
    bullet_lines,
    ellipsis_lines,
    alphabetic_words,
    stop_words,
    duplicate_lines,
    duplicate_line_characters,
    duplicate_paragraphs,
    duplicate_paragraph_characters,
    lorem_ipsum,
    javascript_notice,
    curly_brackets,
    punctuated_lines,
    short_lines,
    substance,
    substance_share,
)
