"""Numbers of deduplication: how pages were found to be alike, how strongly, and in clusters of which size."""

from __future__ import annotations

from typing import Any

from corpus.report.counters import Bins, Lengths, TopCounter
from corpus.report.workspace import Workspace, batches


def numbers(space: Workspace, top: int) -> dict[str, Any]:
    """Removed pages by relation, similarity and cluster size, and the stage's own `facts`."""
    relations, sizes, jaccard = TopCounter(), Lengths(), Bins(0.0, 1.0, 20)
    largest: dict[str, dict[str, Any]] = {}
    columns = {name: name for name in ("url", "relation", "jaccard", "cluster_id", "cluster_size")}
    for batch in batches(space.files("unique", "duplicates"), columns):
        relations.add(batch["relation"])
        sizes.add(batch["cluster_size"])
        rows = batch.to_pylist()
        jaccard.add([row["jaccard"] for row in rows if row["relation"] == "near"])
        for row in rows:
            _meet(largest, row)
        largest = dict(sorted(largest.items(), key=lambda item: (-item[1]["size"], item[0]))[:top])
    found = space.stages["unique"]
    return {
        "records_in": int(found.counts.get("records_in", 0)),
        "removed": relations.total,
        "by_relation": relations.rows("relation", "pages"),
        "near_jaccard": jaccard.rows("pages"),
        "removed_by_cluster_size": sizes.histogram(),
        "largest_clusters": [{"cluster": cluster, **row} for cluster, row in largest.items()],
        "facts": dict(found.facts),
    }


def _meet(largest: dict[str, dict[str, Any]], row: dict[str, Any]) -> None:
    """Note one removed page of a cluster; its smallest URL stands as the example.

    Pruning between batches is safe: a cluster's size is the same on each of its rows, so one that fell out of
    the largest can never come back.
    """
    known = largest.setdefault(
        str(row["cluster_id"]), {"size": row["cluster_size"] or 0, "removed": 0, "example": row["url"]}
    )
    known["removed"] += 1
    known["example"] = min(known["example"] or "", row["url"] or "")
