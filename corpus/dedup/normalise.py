"""What counts as the same text, and the words that shingles are made of."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator

# Scripts that are written without spaces between words: each character is a word of its own. Kana, Han and
# Bopomofo, half-width kana, Thai and Lao, Tibetan, Burmese, Khmer, and the supplementary Han planes.
UNSPACED = (
    "\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003ffff"
)
_WORD = re.compile(f"[{UNSPACED}]|[^\\W{UNSPACED}]+")
_ASCII_WORD = re.compile(r"[a-z0-9_]+")
_BETWEEN_WORDS = re.compile(f"[\\W{UNSPACED}]")
_SPACE = re.compile(r"\s")
_PIECE = 1 << 18  # characters whose words are in memory at one time


def normalise(text: str) -> str:
    """The text in Unicode form NFC and lower case, each run of white space as one space.

    Punctuation stays: two short texts that differ in a sign are different texts.
    """
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def pieces(text: str, size: int = _PIECE) -> Iterator[str]:
    """`normalise(text)` in pieces, which joined by single spaces are the whole.

    Cuts are made at white space, over which neither form NFC nor lower case reaches, so that memory follows
    the piece and not the text.
    """
    start = 0
    while start < len(text):
        cut = _SPACE.search(text, start + size)
        end = cut.start() if cut else len(text)
        if piece := normalise(text[start:end]):
            yield piece
        start = end


def text_key(normalised: Iterable[str]) -> str:
    """128-bit hex hash of a normalised text, given whole (as a list of one) or in its pieces.

    Cryptographic, since hostile pages could aim at a collision.
    """
    made = hashlib.blake2b(digest_size=16)
    for number, piece in enumerate(normalised):
        made.update((" " + piece if number else piece).encode("utf-8", "surrogatepass"))
    return made.hexdigest()


def words(normalised: str, piece: int = _PIECE) -> Iterator[list[str]]:
    """The words of a normalised text, in lists that each cover about `piece` characters."""
    pattern = _ASCII_WORD if normalised.isascii() else _WORD
    start = 0
    while start < len(normalised):
        cut = _BETWEEN_WORDS.search(normalised, start + piece)
        end = cut.start() if cut else len(normalised)
        yield pattern.findall(normalised, start, end)
        start = end
