"""What the finders of secrets and personal data share: a finding, and what marks a placeholder."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Finder = Callable[[str], Iterator["Finding"]]

# Words that people write where a reader is to put a value of their own.
_PLACEHOLDER = re.compile(
    r"example|sample|your|my[_-]|placeholder|change.?me|replace|dummy|fake|redacted|insert|secret.?here|"
    r"token.?here|key.?here|foobar|foo.?bar|lorem|xxxx|\*{3}|\.\.\.|…|<|>|\$\{|\{\{|12345678|87654321|abcdef|"
    r"qwerty|deadbeef|0{6}|1{6}|(.)\1{5}",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True)
class Finding:
    """Characters `start` to `end` of a text hold something of a type, such as API_KEY."""

    start: int
    end: int
    type: str


def is_placeholder(value: str) -> bool:
    return _PLACEHOLDER.search(value) is not None


def entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())


def looks_random(value: str, least: float = 3.3) -> bool:
    """Letters and digits mixed as no word, path or identifier of a programmer has them."""
    digits = sum(char.isdigit() for char in value)
    letters = sum(char.isalpha() for char in value)
    return digits >= 2 and letters >= 4 and entropy(value) >= least
