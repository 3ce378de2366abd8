"""Language by scripts, function words and the character profiles that resiliparse brings: no model file."""

from __future__ import annotations

import re

from resiliparse.parse.lang import detect_fast

_SAMPLE = 2_500  # characters; more do not change the answer and cost time
_LEAST = 20  # letters below which any answer would be a guess
_KANA, _HANGUL, _HAN = (
    re.compile(f"[{span}]") for span in ("\u3041-\u30fa", "\uac00-\ud7a3", "\u3400-\u9fff")
)
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[A-Za-z]+")
_ENGLISH = frozenset({"the", "and", "with", "this", "that", "for", "you", "are", "from"})
_ENGLISH_SHARE = 0.05  # of all words; prose has 0.15, references with their many identifiers have less


def detect(text: str) -> str | None:
    """ISO 639-1 code of the text's language, None where it cannot be told.

    Profiles of characters alone take a Chinese page full of Latin identifiers for English, and an English
    reference with few sentences for Latin or French; scripts and function words decide these first.
    """
    sample = _sample(text)
    if len(_LETTER.findall(sample[:400])) < _LEAST:
        return None
    east = None if sample.isascii() else _east_asian(sample)
    if east:
        return east
    words = _WORD.findall(sample.lower())
    if sum(word in _ENGLISH for word in words) > _ENGLISH_SHARE * max(len(words), 1):
        return "en"
    code, _rank = detect_fast(sample)
    return None if code == "unknown" else str(code)


def _east_asian(sample: str) -> str | None:
    """ja, ko or zh, if their scripts carry the text: one such sign says as much as three Latin letters."""
    kana, hangul, han = (len(script.findall(sample)) for script in (_KANA, _HANGUL, _HAN))
    signs = kana + hangul + han
    if not signs or 3 * signs < len(_LETTER.findall(sample)) - signs:
        return None
    if hangul > kana + han:
        return "ko"
    return "ja" if kana > 0.05 * signs else "zh"


def _sample(text: str) -> str:
    """The middle of a long text, white space collapsed: navigation stands at its ends."""
    start = max(0, (len(text) - _SAMPLE) // 2)
    return " ".join(text[start : start + _SAMPLE].split())
