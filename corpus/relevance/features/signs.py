"""A text as arrays: each sign's class, and the pairs that neighbouring classes make. One pass feeds all
features.

The arrays hold UTF-16 units, so that a table of 65,536 entries knows every sign of the basic plane; what lies
beyond it (emoji, rare ideographs) parts words like a space.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Classes of signs; their one-letter names are parts of the tokens that count pairs of them.
NAMES = "snlU0j_.()q-=/:,|@x"
SPACE, NEWLINE, LOWER, UPPER, DIGIT, IDEOGRAPH, UNDERSCORE = range(7)
CLASSES = len(NAMES)
_SIGNS = (".", "([{<", ")]}>", "'\"`", "-", "=", "/", ":", ",", "|;&!?*+%~^\\", "@$#")  # from class 7 on
_OTHER = CLASSES - 1
_ALIKE = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2013": "-",
    "\u2014": "-",
    "\u2026": ".",
}
# What a sign means depends on where it stands: `a.b` is no end of a sentence, `-v` no dash. Such signs are
# written as control characters, which no text holds any more by then.
LINE = "\x15"
_BETWEEN_WORDS = dict(zip(".-/:=_'", "\x01\x02\x03\x04\x05\x06\x07"))
_BEFORE_WORD = dict(zip("-/:@$#.", "\x0e\x0f\x10\x11\x12\x13\x14"))
_CODE = np.uint16

Units = npt.NDArray[np.uint16]
Codes = npt.NDArray[np.intp]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Signs:
    """`codes` [n + 2] are the signs between two line breaks, `pairs` [n + 1] number the classes of
    neighbours.
    """

    codes: Codes
    pairs: npt.NDArray[np.intp]

    @staticmethod
    def of(text: str) -> Signs:
        units = np.frombuffer(f"\n{text}\n".encode("utf-16-le", "surrogatepass"), _CODE)
        codes = units.astype(np.intp)  # indices of this type are taken without a copy
        classes = _CLASS[codes]
        pairs = classes[:-1] * CLASSES
        pairs += classes[1:]
        return Signs(codes, pairs)

    def words(self) -> str:
        """The tokens, parted by spaces.

        Lower-case words, identifiers taken apart, numbers as `0`, ideographs one by one, runs of signs as
        they stand, repeats as one.
        """
        written, _, starts = self._kept()
        ends = np.zeros(len(written), np.intp)
        ends[starts] = 1
        out = np.full(len(written) + len(starts), ord(" "), _CODE)
        out[np.arange(len(written)) + np.cumsum(ends)] = written
        return out.tobytes().decode("utf-16-le", "replace")

    def hashes(self, breaks: Codes | None = None) -> tuple[Hashes, Codes]:
        """A number for each token (its `hash_of`), in their order, and where in the text they start.

        `breaks`: places of line breaks that are no tokens, since they part texts.
        """
        written, places, starts = self._kept(breaks)
        if not len(starts):
            return np.zeros(0, np.uint64), starts
        if len(written) > len(POWERS):
            raise ValueError(f"a text of more than {len(POWERS)} signs is to be cut first")
        found: Hashes = np.add.reduceat(written * POWERS[: len(written)], starts) * _UNDO[starts]
        return found, places[starts]

    def _kept(self, breaks: Codes | None = None) -> tuple[Units, Codes, Codes]:
        """The signs of all tokens as they are written, their places, and which of them start tokens."""
        codes = self.codes[1:-1]
        left, right = _LEFT[self.pairs[:-1]], _RIGHT[self.pairs[1:]]
        both = left & right
        written = _WRITTEN[codes]
        for flag, meaning in ((_BETWEEN, _AS_BETWEEN), (_BEFORE, _AS_BEFORE)):
            where = _where(both, flag)
            written[where] = meaning[written[where]]
        left[1:][(codes[1:] == codes[:-1]) & (left[1:] >= _SIGN)] = 0
        if breaks is not None:
            left[breaks] = 0
        places = _where(left, _KEPT)
        starts = (left & _STARTS) | (both & _CAPITAL)
        return written[places], places, np.flatnonzero(starts[places] != 0)


def _where(bits: npt.NDArray[np.uint8], flag: int) -> Codes:
    return np.flatnonzero((bits & flag) != 0)  # of booleans it is four times as fast as of numbers


def hash_of(token: str) -> np.uint64:
    """What `hashes` gives for this token, wherever it stands."""
    units = np.frombuffer(token.encode("utf-16-le", "surrogatepass"), _CODE)
    return np.uint64((units * POWERS[: len(units)]).sum(dtype=np.uint64))


def _class_of(sign: str) -> int:
    kind = unicodedata.category(sign)
    if sign in "\n\u2028\u2029":
        return NEWLINE
    if sign.isspace() or kind[0] == "C":
        return SPACE
    if "\u3040" <= sign <= "\u30ff" or "\u3400" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7af":
        return IDEOGRAPH
    if kind[0] in "LM":
        return UPPER if kind == "Lu" else LOWER
    if kind == "Nd":
        return DIGIT
    plain = _ALIKE.get(sign, sign)
    found = [number for number, signs in enumerate(("_", *_SIGNS), UNDERSCORE) if plain in signs]
    return found[0] if found else _OTHER


def _written_as(sign: str, kind: int) -> str:
    if kind in (SPACE, DIGIT, NEWLINE):
        return {SPACE: " ", DIGIT: "0", NEWLINE: LINE}[kind]
    lower = _ALIKE.get(sign, sign).lower()
    return lower if len(lower) == 1 else sign


_ALL = [chr(code) for code in range(65_536)]
_CLASS = np.array([_class_of(sign) for sign in _ALL], np.intp)
_WRITTEN = np.array([ord(_written_as(sign, kind)) for sign, kind in zip(_ALL, _CLASS.tolist())], _CODE)


def _table(mapping: dict[str, str]) -> Units:
    table = np.arange(65_536, dtype=_CODE)
    for sign, other in mapping.items():
        table[ord(sign)] = ord(other)
    return table


_AS_BETWEEN, _AS_BEFORE = _table(_BETWEEN_WORDS), _table(_BEFORE_WORD)
# What a pair of classes says of the sign between two pairs, as bits: the pair before it, and the one behind
# it.
_KEPT, _STARTS, _BETWEEN, _BEFORE, _CAPITAL, _SIGN = (1 << bit for bit in range(6))
_first, _second = (number.ravel() for number in np.indices((CLASSES, CLASSES)))
_words = (LOWER, UPPER, DIGIT, IDEOGRAPH)
_sign = _second >= UNDERSCORE
_same = (_first == _second) | ((_first >= UNDERSCORE) & _sign)
_alone = (_second == IDEOGRAPH) | (_second == UNDERSCORE) | (_first == UNDERSCORE)
_kept = (_second != SPACE) & ~((_first == _second) & np.isin(_first, (NEWLINE, DIGIT)))
_starts = (~_same | _alone) & ~((_first == UPPER) & (_second == LOWER))


def _bits(flags: dict[int, npt.NDArray[np.bool_]]) -> npt.NDArray[np.uint8]:
    found = np.zeros(CLASSES * CLASSES, np.uint8)
    for bit, flag in flags.items():
        found[flag] |= bit
    return found


_LEFT = _bits(
    {
        _KEPT: _kept,
        _STARTS: _starts,
        _BETWEEN: np.isin(_first, _words) & _sign,
        _BEFORE: (_first <= NEWLINE) & _sign,
        _CAPITAL: (_first == UPPER) & (_second == UPPER),
        _SIGN: _sign,
    }
)
_before_word = (_first >= UNDERSCORE) & np.isin(_second, _words)
_RIGHT = _bits(
    {
        _BETWEEN: _before_word,
        _BEFORE: _before_word,
        _CAPITAL: (_first == UPPER) & (_second == LOWER),
    }
)
# A token's hash is the sum of its signs times powers of an odd number; where it starts is divided out,
# modulo 2**64.
_MOST_SIGNS, _ODD = 1 << 17, 0x9E3779B97F4A7C15


def _powers(of: int) -> Hashes:
    return np.cumprod(np.array([1, *[of] * (_MOST_SIGNS - 1)], np.uint64), dtype=np.uint64)


POWERS, _UNDO = _powers(_ODD), _powers(pow(_ODD, -1, 1 << 64))
