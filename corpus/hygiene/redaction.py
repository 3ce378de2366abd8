"""Secrets and personal data replaced by typed placeholders and counted. What was found is not passed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from corpus.hygiene import personal, secrets
from corpus.hygiene.finding import Finder, Finding

# In the order in which a stretch that two finders claim is given away.
FINDERS: dict[str, Finder] = {
    secrets.PRIVATE_KEY: secrets.private_keys,
    secrets.API_KEY: secrets.api_keys,
    personal.EMAIL: personal.emails,
    personal.CARD: personal.card_numbers,
    personal.IP: personal.ip_addresses,
    personal.PHONE: personal.phone_numbers,
}
TYPES = tuple(FINDERS)


@dataclass(frozen=True)
class Redacted:
    text: str
    counts: Counter[str]


def findings(text: str, types: Collection[str] = TYPES) -> list[Finding]:
    """What a text holds of these types, in its order, without overlaps."""
    taken: list[Finding] = []
    for name, finder in FINDERS.items():
        if name in types:
            taken += [
                new for new in finder(text) if not any(new.start < t.end and t.start < new.end for t in taken)
            ]
    return sorted(taken)


def redact(text: str, types: Collection[str] = TYPES) -> Redacted:
    """The text with `<TYPE>` in place of each finding."""
    found = findings(text, types)
    if not found:
        return Redacted(text, Counter())
    return Redacted("".join(_pieces(text, found)), Counter(item.type for item in found))


def _pieces(text: str, found: list[Finding]) -> Iterator[str]:
    at = 0
    for item in found:
        yield text[at : item.start]
        yield f"<{item.type}>"
        at = item.end
    yield text[at:]
