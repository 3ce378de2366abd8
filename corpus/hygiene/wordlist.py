"""Sets of words as they are best read and kept: as running text."""

from __future__ import annotations


def words_of_text(text: str) -> frozenset[str]:
    """The words of `text`, which white space separates."""
    return frozenset(text.split())
