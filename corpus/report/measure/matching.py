"""Numbers of matching: scores, what each seed source found, and the embedding map."""

from __future__ import annotations

from heapq import heappush, heapreplace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.report.counters import NO_VALUE, Bins, TopCounter, share
from corpus.report.workspace import Workspace, batches

MAP_POINTS = 700  # per group: enough to see shapes, few enough for a light page
RETRIEVED, OTHERS = "kept", ("general", "dropped")
_SIMILARITIES = 4096  # bins by which the AUC is counted, so that it takes no more memory for a larger sample
_HIT_COLUMNS = ("seed_id", "source", "kind", "title", "role", "pages", "best_score", "flag")
Rows = list[dict[str, Any]]


def numbers(space: Workspace, top: int) -> dict[str, Any]:
    """Pages by source and kind of the nearest seed, similarities, and the seeds that found most."""
    sources, kinds = TopCounter(), TopCounter()
    for batch in batches(space.files("matched", "pages"), {n: n for n in ("match_source", "match_kind")}):
        sources.add(batch["match_source"])
        kinds.add(batch["match_kind"])
    return {
        "pages": sources.total,
        "scores": _scores(space),
        "by_source": sources.rows("source", "pages"),
        "by_kind": kinds.rows("kind", "pages"),
        **_hits(space, top),
        "map": _map(space),
        "min_score": space.stages["matched"].config.get("min_score"),
        "facts": dict(space.stages["matched"].facts),
    }


def _scores(space: Workspace) -> Rows:
    """Pages by similarity to their nearest seed: kept ones, and dropped ones where the stage has them."""
    bins = Bins(0.0, 1.0, 50)
    if space.has("matched", "scores"):
        for batch in batches(space.files("matched", "scores"), {n: n for n in ("match_score", "reason")}):
            kept = pc.equal(pc.fill_null(pc.cast(batch["reason"], pa.string()), ""), "")
            bins.add(batch["match_score"].filter(kept), "kept")
            bins.add(batch["match_score"].filter(pc.invert(kept)), "dropped")
    else:
        for batch in batches(space.files("matched", "pages"), {"match_score": "match_score"}):
            bins.add(batch["match_score"], "kept")
    return bins.rows()


def _hits(space: Workspace, top: int) -> dict[str, Any]:
    """By source: seeds, those that found pages, the pages; and the seeds that found most."""
    by_source: dict[str, dict[str, Any]] = {}
    best: Rows = []
    for batch in batches(space.files("matched", "seed_hits"), {name: name for name in _HIT_COLUMNS}):
        for row in batch.to_pylist():
            entry = by_source.setdefault(row["source"] or NO_VALUE, _no_hits())
            pages = row["pages"] or 0
            entry["seeds"] += 1
            entry["used"] += row["role"] in (None, "used")
            entry["with_pages"] += pages > 0
            entry["crowded"] += row["flag"] == "crowded"
            entry["pages"] += pages
            entry["best_score"] = max(entry["best_score"], row["best_score"] or 0.0)
            if pages:
                best.append(row)
        best = sorted(best, key=lambda row: (-row["pages"], row["seed_id"]))[:top]
    pages = sum(entry["pages"] for entry in by_source.values())
    rows = [
        {"source": name, **entry, "share": share(entry["pages"], pages)} for name, entry in by_source.items()
    ]
    rows.sort(key=lambda row: (-row["pages"], row["source"]))
    facts = space.stages["matched"].facts
    used = facts.get("seeds_used", sum(row["used"] for row in rows))
    found = sum(row["with_pages"] for row in rows)
    without = max(int(used) - found, 0) if isinstance(used, int) else None
    return {
        "seeds_with_pages": found,
        "seeds_without_pages": without,
        "hits_by_source": rows,
        "top_seeds": best,
    }


def _no_hits() -> dict[str, Any]:
    return {"seeds": 0, "used": 0, "with_pages": 0, "crowded": 0, "pages": 0, "best_score": 0.0}


def _map(space: Workspace) -> dict[str, Any] | None:
    """Points of the map: of each group those with the smallest ids, which as hashes are a fair sample."""
    chosen: dict[str, list[tuple[int, str, float, float]]] = {}
    similar: dict[str, np.ndarray[Any, Any]] = {}
    sums: dict[str, list[float]] = {}
    columns = {name: name for name in ("id", "group", "x", "y", "nearest_seed_similarity")}
    for batch in batches(space.files("matched", "map"), columns):
        for row in batch.to_pylist():
            group = row["group"] or NO_VALUE
            number = sums.setdefault(group, [0, 0, 0.0])
            number[0] += 1
            if row["nearest_seed_similarity"] is not None:
                number[1] += 1
                number[2] += row["nearest_seed_similarity"]
                counts = similar.setdefault(group, np.zeros(_SIMILARITIES))
                place = (row["nearest_seed_similarity"] + 1) / 2 * _SIMILARITIES
                counts[min(max(int(place), 0), _SIMILARITIES - 1)] += 1
            if row["x"] is not None and row["y"] is not None:
                _sample(chosen.setdefault(group, []), row)
    if not sums:
        return None
    groups = [
        {"group": group, "points": int(n), "mean_similarity": total / known if known else None}
        for group, (n, known, total) in sorted(sums.items())
    ]
    points = {
        group: [[round(x, 4), round(y, 4)] for _, _, x, y in sorted(heap, reverse=True)]
        for group, heap in sorted(chosen.items())
    }
    others = sum((similar[group] for group in OTHERS if group in similar), np.zeros(_SIMILARITIES))
    return {"groups": groups, "points": points, "auc": auc(similar.get(RETRIEVED), others)}


def auc(of: np.ndarray[Any, Any] | None, others: np.ndarray[Any, Any]) -> float | None:
    """The chance that one of the first lies in a higher bin than one of the others, ties as half.

    Both are counts over the same bins, from low to high. None where one of them is empty.
    """
    if of is None or not of.sum() or not others.sum():
        return None
    below = np.cumsum(others) - others
    return float((of * (below + others / 2)).sum() / (of.sum() * others.sum()))


def _sample(heap: list[tuple[int, str, float, float]], row: dict[str, Any]) -> None:
    """Keep the rows with the smallest ids in a heap whose first entry has the greatest id."""
    text = str(row["id"])
    try:
        rank = -int(text, 16)
    except ValueError:  # an id that is no hash sorts by its bytes
        rank = -int.from_bytes(text.encode()[:16].ljust(16, b"\0"), "big")
    entry = (rank, text, float(row["x"]), float(row["y"]))
    if len(heap) < MAP_POINTS:
        heappush(heap, entry)
    elif rank > heap[0][0]:
        heapreplace(heap, entry)
