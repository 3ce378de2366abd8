"""What a page says, apart from how a site draws it: a title and blocks, their plain text and its shingles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# Kinds of block: h (heading), p, quote, code, list, steps, sig (name and signature), params (table rows).
ROW_KINDS = frozenset({"list", "steps", "params"})
_WORD = re.compile(r"\w+")
_WIDE = re.compile(r"([぀-ヿ㐀-鿿])")


@dataclass(frozen=True)
class Block:
    """One block of a page. `rows` hold the cells of lists and tables; other kinds use `text`."""

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Doc:
    """A page's content. `language` is an ISO 639-1 code, `genre` what sort of page it is."""

    title: str
    blocks: tuple[Block, ...]
    genre: str
    language: str = "en"


def plain_text(doc: Doc) -> str:
    """The title and every block, one line per row, as an ideal extraction would give it."""
    lines = [doc.title]
    for block in doc.blocks:
        if block.kind in ROW_KINDS:
            lines.extend(" ".join(row) for row in block.rows)
        else:
            lines.append(block.text)
    return "\n".join(lines)


def words(text: str) -> list[str]:
    """Lower-case words; each Chinese or Japanese character is a word, as those scripts set no spaces."""
    return _WORD.findall(_WIDE.sub(r" \1 ", text.lower()))


def shingles(text: str, width: int = 5) -> frozenset[tuple[str, ...]]:
    """The word n-grams of a text; a text shorter than `width` is one shingle."""
    tokens = words(text)
    return frozenset(tuple(tokens[i : i + width]) for i in range(max(1, len(tokens) - width + 1)))


def jaccard(first: str, second: str) -> float:
    """Jaccard similarity of the word-5-gram sets of two texts, in [0, 1]."""
    a, b = shingles(first), shingles(second)
    return len(a & b) / len(a | b)


class Distinct:
    """Lets a text pass only if it is unlike every text that passed before it (Jaccard below `limit`)."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._sizes: list[int] = []
        self._where: dict[tuple[str, ...], list[int]] = {}

    def closest(self, text: str) -> float:
        """The highest Jaccard similarity between `text` and a text that was added before."""
        own = shingles(text)
        shared = Counter(at for gram in own for at in self._where.get(gram, ()))
        return max((n / (len(own) + self._sizes[at] - n) for at, n in shared.items()), default=0.0)

    def add(self, text: str) -> bool:
        """Remember `text` and return True, or return False if it is too close to an earlier one."""
        if self.closest(text) >= self.limit:
            return False
        own = shingles(text)
        for gram in own:
            self._where.setdefault(gram, []).append(len(self._sizes))
        self._sizes.append(len(own))
        return True


def take_distinct(docs: Iterable[Doc], distinct: Distinct, most: int) -> list[Doc]:
    """The first `most` documents that are unlike all others seen by `distinct`."""
    kept: list[Doc] = []
    for doc in docs:
        if len(kept) == most:
            break
        if distinct.add(plain_text(doc)):
            kept.append(doc)
    return kept
