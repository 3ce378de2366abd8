"""The language of a seed: the crawl's detector, with English as the likelier guess for what it leaves open.

Seeds are lists of parameters, calls and names more often than prose. Scripts and function words, which the
crawl's detector looks at first, decide these well; profiles of characters do not: on English API
documentation they say Latin, French or Luxembourgish for one item in ten. So where only profiles are left,
they are asked about the prose alone, among common languages, and English wins where it is nearly the best.
"""

from __future__ import annotations

import re
from typing import Any

from resiliparse.parse.lang import detect_fast

from corpus.crawl.language import detect

TRUST = 900  # resiliparse's out-of-place distance above which a detected language is not believed
NEAR = 1.15  # times the best distance: a guess that close to the best may as well be right
LEAST, MOST = 150, 4_000  # characters of prose below which profiles guess, and above which they learn no more
LANGUAGES = [
    "ar",
    "de",
    "en",
    "es",
    "fr",
    "id",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "pt",
    "ru",
    "tr",
    "uk",
    "vi",
    "zh",
]
_BY_RULE = frozenset({"en", "ja", "ko", "zh"})  # decided by function words and scripts, not by profiles
_NO_PROSE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|[{}\[\]|<>#*_=\\]", re.DOTALL)


def language_of(text: str) -> str | None:
    """ISO 639-1 code of the language of `text`, or None where there is too little prose to tell."""
    found = detect(text)
    if found in _BY_RULE:
        return found
    prose = " ".join(_NO_PROSE.sub(" ", text[:20_000]).split())[:MOST]
    guesses: Any = detect_fast(prose, n_results=4, langs=LANGUAGES) if len(prose) >= LEAST else []
    if not guesses or guesses[0][1] > TRUST:
        return None
    code, best = guesses[0]
    near = {other for other, distance in guesses if distance <= NEAR * best}
    return "en" if "en" in near else str(code)
