"""What somebody says about a page, and which of several such votes becomes its label.

| verdict | label | |
|---|---|---|
| yes | positive | the page is wanted |
| no | negative | it is not |
| stub | negative, or as `stubs` says | it would be, but holds next to nothing |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

POSITIVE, NEGATIVE, AMBIGUOUS, UNLABELLED = "positive", "negative", "ambiguous", "unlabelled"
YES, NO, STUB = "yes", "no", "stub"
FILE, ENDPOINT, RULE, SEED, RANDOM = "file", "endpoint", "rule", "seed", "random"
_UNFIT = re.compile("[\x00\ud800-\udfff]")  # what tables cannot hold
GIVERS = (FILE, ENDPOINT, RULE, SEED)
VERDICTS = {YES: POSITIVE, NO: NEGATIVE, STUB: NEGATIVE}
_WORDS = {
    **dict.fromkeys(("positive", "agent", "wanted"), (POSITIVE, None)),
    **dict.fromkeys(("negative", "general", "unwanted"), (NEGATIVE, None)),
    **dict.fromkeys(("unlabelled", "unlabeled", "crawl"), (UNLABELLED, None)),
    "ambiguous": (AMBIGUOUS, None),
    **{verdict: (label, verdict) for verdict, label in VERDICTS.items()},
}


@dataclass(frozen=True)
class Vote:
    """One giver's word on one address. `given_by` is the kind of giver, a colon, and its name."""

    given_by: str
    label: str
    verdict: str | None = None
    kind: str | None = None
    confidence: float | None = None
    rationale: str | None = None
    site: str | None = None

    @property
    def giver(self) -> str:
        return self.given_by.partition(":")[0]


@dataclass(frozen=True)
class Resolved:
    """The vote that counts, how many there were, and who else said something else."""

    vote: Vote
    votes: int
    against: tuple[str, ...] = ()


def meaning(word: str) -> tuple[str, str | None] | None:
    """(label, verdict) of a word in a labels file; None for one that is neither."""
    return _WORDS.get(word.strip().lower())


def resolve(
    votes: Sequence[Vote], order: Sequence[str], names: Mapping[str, int], *, ambiguous: bool
) -> Resolved:
    """The first vote by `order` of the kinds of giver, then by `names`: places of givers in the config.

    `ambiguous`: where two of the same kind differ, nobody is right and the label says so. `votes` has one.
    """
    places = {giver: place for place, giver in enumerate(order)}

    def rank(vote: Vote) -> tuple[int, int, str, str]:
        return (places.get(vote.giver, len(order)), names.get(vote.given_by, 0), vote.given_by, vote.label)

    ranked = sorted(votes, key=rank)
    first = ranked[0]
    against = tuple(sorted({vote.given_by for vote in ranked[1:] if vote.label != first.label}))
    if ambiguous and any(vote.giver == first.giver and vote.given_by in against for vote in ranked[1:]):
        first = Vote(
            first.given_by,
            AMBIGUOUS,
            first.verdict,
            first.kind,
            first.confidence,
            first.rationale,
            first.site,
        )
    return Resolved(first, len(ranked), against)


def from_answer(value: Mapping[str, Any], given_by: str, *, least: float, stubs: str) -> Vote:
    """A model's answer as a vote. One that it is less sure of than `least` is ambiguous."""
    verdict, confidence = str(value["verdict"]), float(value["confidence"])
    label = stubs if verdict == STUB else VERDICTS[verdict]
    label = label if confidence >= least else AMBIGUOUS
    rationale = _UNFIT.sub("\ufffd", str(value["rationale"]))
    return Vote(given_by, label, verdict, str(value["kind"]), confidence, rationale)
