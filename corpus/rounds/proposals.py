"""Which prefixes of addresses are worth a look: the longest ones that many hits have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from corpus.harvest.address import prefix_of

# A folder below that holds so large a share of a folder's hits stands for it: the prefix grows to it.
CONCENTRATED = 0.9
# From this share of hits on a folder is proposed as it is, and not its parts.
PURE = 0.5
SCHEME = "https://"


@dataclass(frozen=True)
class Tally:
    """Pages under a prefix, and those of them over the threshold."""

    pages: int
    hits: int

    @property
    def share(self) -> float:
        return self.hits / self.pages if self.pages else 0.0


@dataclass(frozen=True)
class Bounds:
    """What a prefix needs to be proposed."""

    min_pages: int
    min_hits: int
    min_share: float

    def passes(self, tally: Tally) -> bool:
        enough = tally.pages >= self.min_pages and tally.hits >= self.min_hits
        return enough and tally.share >= self.min_share


def folders(key: str, depth: int) -> list[str]:
    """The host and the folders of a normalised address, down to `depth` segments; the page itself is none."""
    parts = key.partition("?")[0].split("/")
    return ["/".join(parts[:n]) for n in range(1, min(len(parts) - 1, depth + 1) + 1)] or [parts[0]]


def propose(tallies: Mapping[str, Tally], bounds: Bounds, most: int) -> dict[str, Tally]:
    """Normalised prefixes to their tallies; those with most hits first, at most `most` of them.

    `tallies` counts all folders of `folders`, the hosts among them. Folders without enough hits may be left
    out.
    """
    below: dict[str, list[str]] = {}
    for prefix in sorted(tallies):
        parent, slash, _ = prefix.rpartition("/")
        if slash:
            below.setdefault(parent, []).append(prefix)
    roots = [prefix for prefix in sorted(tallies) if "/" not in prefix]
    found = {p: tallies[p] for root in roots for p in _of(root, tallies, below, bounds) if is_told(p)}
    ranked = sorted(found, key=lambda p: (-found[p].hits, p))[:most]
    return {prefix: found[prefix] for prefix in ranked}


def _of(
    root: str, tallies: Mapping[str, Tally], below: Mapping[str, list[str]], bounds: Bounds
) -> Iterator[str]:
    """The prefixes to propose in a host. The depth of folders is bounded, and so is this."""
    waiting = [root]
    while waiting:
        at = waiting.pop()
        tally = tallies[at]
        if tally.hits < bounds.min_hits or tally.pages < bounds.min_pages:
            continue
        inner = [child for child in below.get(at, ()) if bounds.passes(tallies[child])]
        heir = [child for child in inner if tallies[child].hits >= CONCENTRATED * tally.hits]
        if heir:
            waiting += heir
        elif tally.share >= max(PURE, bounds.min_share) or (not inner and bounds.passes(tally)):
            yield at
        else:  # mixed: what is good in it lies in some of its folders, however deep
            waiting += below.get(at, ())


def shown(prefix: str) -> str:
    """A normalised prefix as people read it."""
    return f"{SCHEME}{prefix}/"


def is_told(prefix: str) -> bool:
    """Whether the prefix that people read leads back to the same one; odd ones do not, and are left out."""
    text = shown(prefix)
    return prefix_of(text) == prefix and text.isprintable() and " " not in text
