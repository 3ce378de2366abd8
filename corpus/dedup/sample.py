"""Recall and precision of one run, measured on a sample by brute force over exact Jaccard similarity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.dedup.minhash import Banding
from corpus.dedup.shingles import Hashes

_STEPS = 20  # similarities are told in steps of 0.05


@dataclass(frozen=True)
class SampledPage:
    """A page of the sample. `survivor` holds the shingles of the page that stays in its place, if it went."""

    node: int
    hashes: Hashes
    bands: frozenset[int]
    survivor: Hashes | None


def pairs_from(sets: Sequence[Hashes], threshold: float) -> Iterator[tuple[int, int, float]]:
    """(i, j, Jaccard) for all i < j that reach the threshold, by an inverted index over the shingles."""
    if not sets:
        return
    sizes = np.array([len(one) for one in sets], np.int64)
    owners = np.repeat(np.arange(len(sets)), sizes)
    _, tokens = np.unique(np.concatenate(list(sets)), return_inverse=True)
    order = np.lexsort((owners, tokens))
    posted = owners[order]
    starts = np.searchsorted(tokens[order], np.arange(tokens.max(initial=-1) + 2))
    ends = np.cumsum(sizes)
    for page in range(len(sets)):
        mine = tokens[ends[page] - sizes[page] : ends[page]]
        lists = [posted[starts[t] : starts[t + 1]] for t in mine.tolist() if starts[t + 1] - starts[t] > 1]
        if not lists:
            continue
        shared = np.bincount(np.concatenate(lists), minlength=len(sets))
        shared[: page + 1] = 0
        others = np.flatnonzero(shared)
        jaccard = shared[others] / (sizes[page] + sizes[others] - shared[others])
        for other, value in zip(others[jaccard >= threshold], jaccard[jaccard >= threshold]):
            yield page, int(other), float(value)


def measure(
    pages: Sequence[SampledPage], banding: Banding, threshold: float, containment: float | None = None
) -> dict[str, Any]:
    """What the run writes of itself.

    `recall`: of the pairs at the threshold, the share that a bucket nominated; `expected`: what the collision
    curve foretells for these very pairs. `duplicates_left`: pages that stay although a better page that stays
    is near. `precision`: of the pages removed as near, the share whose survivor is near, or holds them, when
    counted anew.
    """
    steps: dict[str, dict[str, float]] = {}
    pairs = met = 0
    expected = 0.0
    duplicates: set[int] = set()
    left: set[int] = set()
    stays = [page.survivor is None for page in pages]
    for one, other, jaccard in pairs_from([page.hashes for page in pages], threshold):
        nominated = not pages[one].bands.isdisjoint(pages[other].bands)
        chance = banding.chance(jaccard)
        pairs, met, expected = pairs + 1, met + nominated, expected + chance
        step = steps.setdefault(
            f"{int(jaccard * _STEPS + 1e-9) / _STEPS:.2f}", {"pairs": 0, "compared": 0, "expected": 0.0}
        )
        step["pairs"] += 1
        step["compared"] += nominated
        step["expected"] += chance
        worse = max(one, other, key=lambda at: pages[at].node)
        duplicates.add(worse)
        if stays[one] and stays[other]:
            left.add(worse)
    gone = [page for page in pages if page.survivor is not None]
    right = sum(_near(page, threshold, containment) for page in gone)
    return {
        "pages": len(pages),
        "pairs": pairs,
        "recall": round(met / pairs, 4) if pairs else None,
        "expected_recall": round(expected / pairs, 4) if pairs else None,
        "duplicates": len(duplicates),
        "duplicates_left": len(left),
        "removed": len(gone),
        "precision": round(right / len(gone), 4) if gone else None,
        "by_similarity": {
            name: {**step, "expected": round(step["expected"], 2)} for name, step in sorted(steps.items())
        },
    }


def _near(page: SampledPage, threshold: float, containment: float | None) -> bool:
    assert page.survivor is not None
    shared = len(np.intersect1d(page.hashes, page.survivor, assume_unique=True))
    if containment is not None and shared >= containment * len(page.hashes):
        return True
    return shared / max(len(page.hashes) + len(page.survivor) - shared, 1) >= threshold


def lines(facts: dict[str, Any]) -> list[str]:
    """The facts of a run for the terminal: the collision curve, and what the sample has shown."""
    curve = "  ".join(f"{s}: {p:.3f}" for s, p in facts["collision_curve"].items())
    out = [f"chance of a comparison by Jaccard ({facts['bands']} bands of {facts['rows']} rows): {curve}"]
    found = facts.get("sample")
    if not found or not found["pairs"]:
        return [*out, "no sample with pairs at the threshold to measure recall on"]
    out.append(
        f"measured on {found['pages']:,} pages, {found['pairs']:,} pairs at {facts['threshold']:g} or more: "
        f"recall {found['recall']:.4f} (the curve foretells {found['expected_recall']:.4f}), "
        f"{found['duplicates_left']} of {found['duplicates']} duplicates left"
    )
    if found["removed"]:
        out.append(
            f"precision of {found['removed']:,} removed pages against their survivors: "
            f"{found['precision']:.4f}"
        )
    return out
