"""Which parts of a text are encoded: its start, and of a long one the parts that are dense in code and
definitions.

Density is read off the characters: punctuation of code and markup, underscores between letters, capitals
inside words. Reference pages keep their signatures, options and examples far below an introduction that any
page could have.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CHARS_PER_TOKEN = 4  # of English; longer pieces are cut by the tokenizer, shorter ones leave room unused
MOST_CHARACTERS = 262_144  # of a text that are looked at
_SIGNS = "(){}[]<>=_;:$#@|/\\`*&%+\"'-."
_WEIGHTS = {**dict.fromkeys(_SIGNS, 1.0), **dict.fromkeys("(){}[]=_`<>", 2.0)}
_LOWER, _UPPER = (ord("a"), ord("z")), (ord("A"), ord("Z"))


class Chunk(NamedTuple):
    """Characters [start, end) of a text, without blanks at both ends."""

    start: int
    end: int


def whole(title: str | None, text: str) -> str:
    """What is encoded of a record: its title, unless the text begins with it, and its text."""
    title = (title or "").strip()
    return text if not title or text.lstrip().startswith(title) else f"{title}\n{text}"


def reach(max_tokens: int, most: int) -> int:
    """How many characters of a text are read for `most` chunks: the start alone, or enough to choose from."""
    return 2 * max_tokens * CHARS_PER_TOKEN if most == 1 else MOST_CHARACTERS


def chunks(text: str, max_tokens: int, most: int) -> list[Chunk]:
    """At most `most` pieces of a text in its order, each about what the encoder sees at once, none
    overlapping.

    The first is the start of the text, the others are the densest of what is left. Pieces are cut at white
    space. An empty list for a text without any character to read.
    """
    size = max_tokens * CHARS_PER_TOKEN
    text = text[: reach(max_tokens, most)]
    start = len(text) - len(text.lstrip())
    first = _cut(text, start, size)
    if first is None:
        return []
    found = [first]
    if most > 1 and len(text) - first.end > size // 4:  # less than that is a rest, no part of its own
        found += _densest(text, first.end, size, most - 1)
    return sorted(found)


def shown(text: str, chunk: Chunk, title: str | None = None) -> str:
    """What the encoder is given of a chunk. The start is read with the title."""
    piece = text[chunk.start : chunk.end]
    return whole(title, piece) if not text[: chunk.start].strip() else piece


def _cut(text: str, start: int, size: int) -> Chunk | None:
    end = start + size
    if end < len(text):
        space = max(text.rfind(" ", start + size // 2, end), text.rfind("\n", start + size // 2, end))
        end = space if space > start else end
    piece = text[start:end]
    inner = piece.strip()
    if not inner:
        return None
    left = start + len(piece) - len(piece.lstrip())
    return Chunk(left, left + len(inner))


def _densest(text: str, start: int, size: int, most: int) -> list[Chunk]:
    """Windows on a grid of half their size, densest first; of equals the earlier."""
    sums = np.concatenate([[0.0], np.cumsum(density(text[start:]))])
    starts = np.arange(0, max(len(text) - start - size // 4, 1), size // 2)
    weights = sums[np.minimum(starts + size, len(text) - start)] - sums[starts]
    found: list[Chunk] = []
    for at in np.argsort(-weights, kind="stable"):
        left = start + int(starts[at])
        if left > start:  # begin with a word, and where there is a line, with the line
            line = text.rfind("\n", left - size // 8, left)
            space = text.find(" ", left, left + size // 8)
            left = line + 1 if line >= 0 else space + 1 if space >= 0 else left
        chunk = _cut(text, left, size)
        if chunk and all(chunk.end <= other.start or other.end <= chunk.start for other in found):
            found.append(chunk)
        if len(found) == most:
            break
    return found


def density(text: str) -> npt.NDArray[np.float32]:
    """For each character how much it speaks for code or a definition."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    weights = _TABLE[np.minimum(codes, len(_TABLE) - 1)].copy()
    if len(codes) > 1:
        lower = (codes[:-1] >= _LOWER[0]) & (codes[:-1] <= _LOWER[1])
        weights[1:] += 2.0 * (lower & (codes[1:] >= _UPPER[0]) & (codes[1:] <= _UPPER[1]))
    return weights


def _table() -> npt.NDArray[np.float32]:
    table = np.zeros(129, np.float32)  # the last row stands for everything beyond ASCII
    for sign, weight in _WEIGHTS.items():
        table[ord(sign)] = weight
    return table


_TABLE = _table()
