"""Numbers of matching: scores, what each seed source found, and the embedding map."""

from __future__ import annotations

from heapq import heappush, heapreplace
from typing import Any

from corpus.report.counters import NO_VALUE, Bins, TopCounter, share
from corpus.report.workspace import Workspace, batches

MAP_POINTS = 700  # per group: enough to see shapes, few enough for a light page


def numbers(space: Workspace, top: int) -> dict[str, Any]:
    """Pages by source and kind of the nearest seed, similarities, and the seeds that found most."""
    scores, sources, kinds = Bins(0.0, 1.0, 50), TopCounter(), TopCounter()
    columns = {name: name for name in ("match_score", "match_source", "match_kind")}
    for batch in batches(space.files("matched", "pages"), columns):
        scores.add(batch["match_score"])
        sources.add(batch["match_source"])
        kinds.add(batch["match_kind"])
    return {
        "pages": sources.total,
        "scores": scores.rows("pages"),
        "by_source": sources.rows("source", "pages"),
        "by_kind": kinds.rows("kind", "pages"),
        **_hits(space, top),
        "map": _map(space),
        "facts": dict(space.stages["matched"].facts),
    }


def _hits(space: Workspace, top: int) -> dict[str, Any]:
    by_source: dict[str, dict[str, Any]] = {}
    best: list[dict[str, Any]] = []
    columns = {name: name for name in ("seed_id", "source", "kind", "title", "pages", "best_score")}
    for batch in batches(space.files("matched", "seed_hits"), columns):
        for row in batch.to_pylist():
            entry = by_source.setdefault(
                row["source"] or NO_VALUE, {"seeds": 0, "pages": 0, "best_score": 0.0}
            )
            entry["seeds"] += 1
            entry["pages"] += row["pages"] or 0
            entry["best_score"] = max(entry["best_score"], row["best_score"] or 0.0)
            best.append(row)
        best = sorted(best, key=lambda row: (-(row["pages"] or 0), row["seed_id"]))[:top]
    pages = sum(entry["pages"] for entry in by_source.values())
    rows = [
        {"source": name, **entry, "share": share(entry["pages"], pages)} for name, entry in by_source.items()
    ]
    rows.sort(key=lambda row: (-row["pages"], row["source"]))
    return {"seeds_with_pages": sum(row["seeds"] for row in rows), "hits_by_source": rows, "top_seeds": best}


def _map(space: Workspace) -> dict[str, Any] | None:
    """Points of the map: of each group those with the smallest ids, which as hashes are a fair sample."""
    chosen: dict[str, list[tuple[int, str, float, float]]] = {}
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
    return {"groups": groups, "points": points}


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
