"""A review: proposed prefixes with examples and their decisions, a sample of pages and their verdicts."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace

from corpus.engine.manifest import hash_of
from corpus.rounds.proposals import Tally

ACCEPT, REJECT, SKIP = "accept", "reject", "skip"
DECISIONS = (ACCEPT, REJECT, SKIP)
VERDICTS = ("yes", "no", "stub")
_NO_TALLY = Tally(0, 0)


@dataclass(frozen=True)
class Example:
    url: str
    score: float
    title: str
    snippet: str


@dataclass(frozen=True)
class Entry:
    """A prefix under review; `prefix` is normalised, `decision` empty where there is none yet."""

    prefix: str
    tally: Tally = _NO_TALLY
    examples: tuple[Example, ...] = ()
    decision: str = ""
    note: str = ""


@dataclass(frozen=True)
class Asked:
    """A page of the precision sample; `wanted` is empty where nobody has said."""

    example: Example
    wanted: str = ""


@dataclass(frozen=True)
class Review:
    round: int
    threshold: float
    entries: tuple[Entry, ...] = ()
    sample: tuple[Asked, ...] = ()

    @property
    def open(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.decision]

    def decided(self, decision: str) -> list[str]:
        return sorted(entry.prefix for entry in self.entries if entry.decision == decision)

    def digest(self) -> str:
        """Of the decisions and verdicts alone."""
        decisions = sorted((e.prefix, e.decision) for e in self.entries if e.decision)
        return hash_of([decisions, sorted((a.example.url, a.wanted) for a in self.sample if a.wanted)])


def merged(old: Review | None, new: Review) -> Review:
    """The proposals of `new` with the decisions, notes and verdicts of `old`.

    What was decided stays, also where it is no longer proposed or was added by hand.
    """
    if old is None:
        return new
    before = {entry.prefix: entry for entry in old.entries}
    there = {entry.prefix for entry in new.entries}
    entries = []
    for entry in new.entries:
        known = before.get(entry.prefix)
        entries.append(replace(entry, decision=known.decision, note=known.note) if known else entry)
    entries += [e for e in old.entries if e.prefix not in there and (e.decision or e.note)]
    verdicts = {asked.example.url: asked for asked in old.sample if asked.wanted}
    sample = [verdicts.pop(asked.example.url, asked) for asked in new.sample]
    return replace(new, entries=tuple(entries), sample=(*sample, *verdicts.values()))


def plain(text: str, most: int) -> str:
    """Text of a page on one line, without signs that a terminal or an editor would obey."""
    kept = "".join(" " if sign.isspace() else sign for sign in text[: 4 * most] if _shows(sign))
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 3].rstrip() + "..."


def _shows(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign)[0] != "C"
