"""Deduplication: by which relation, how similar, in clusters of which size."""

from __future__ import annotations

from typing import Any

from corpus.report.figures import Bar, Part, Series, bars, histograms, lines
from corpus.report.grids import grid
from corpus.report.markup import count, percent, sentence, short
from corpus.report.parts import Figure, Section, empty

Stats = dict[str, Any]
_MEANING = {
    "payload": "equal bytes",
    "url": "equal address and normalised text",
    "text": "equal normalised text",
    "near": "verified near-duplicate",
}


def section(stats: Stats) -> Section:
    found = stats["duplicates"]
    if not found:
        return empty("duplicates", "Deduplication", "unique")
    lead = (
        f"{count(found['removed'])} of {count(found['records_in'])} pages were removed. "
        "Candidates of MinHash LSH are merged only after their shingles were compared, and each removed page "
        "is written down with its survivor and the evidence."
    )
    columns = {
        "example": ("Example of a removed page", "foreign"),
        "size": ("Pages", "count"),
        "removed": ("Removed", "count"),
        "cluster": ("Cluster", "foreign"),
    }
    largest = grid("clusters", "Largest clusters of duplicates", columns, found["largest_clusters"])
    figures = [_relations(found), _jaccard(found), _sizes(found), _collision(found)]
    return Section(
        "duplicates", "Deduplication", lead, [f for f in figures if f], (largest,) if largest.rows else ()
    )


def _relations(found: Stats) -> Figure | None:
    rows = found["by_relation"]
    if not rows:
        return None
    items = [
        Bar(
            f"{row['relation']}: {_MEANING.get(row['relation'], row['relation'])}",
            f"{count(row['pages'])} · {percent(row['share'])}",
            (Part("s0", row["pages"], f"{row['relation']}: {count(row['pages'])} pages"),),
        )
        for row in rows
    ]
    answer = (
        f"Most were removed as {_MEANING.get(rows[0]['relation'], rows[0]['relation'])}. Unit: removed pages."
    )
    columns = {"relation": ("Relation", "text"), "pages": ("Pages", "count"), "share": ("Share", "percent")}
    table = grid("duplicates", "Removed pages by their relation to the survivor", columns, rows)
    return Figure(
        "relations",
        "What kind of duplicates are there?",
        answer,
        bars(items, f"Removed pages. {answer}"),
        table,
    )


def _jaccard(found: Stats) -> Figure | None:
    rows = found["near_jaccard"]
    values = [row.get("pages", 0) for row in rows]
    if not sum(values):
        return None
    edges = [f"Jaccard {row['from']:.2f} to {row['below']:.2f}" for row in rows]
    answer = (
        "Similarity of each near-duplicate to its survivor; a pile at the left edge is cut by the threshold."
    )
    svg = histograms(
        {"": values},
        edges,
        (0, 1),
        f"Similarity of near-duplicates. {answer}",
        x="Jaccard similarity of shingle sets",
        y="removed pages",
    )
    columns = {"from": ("From", "decimal"), "below": ("Below", "decimal"), "pages": ("Pages", "count")}
    return Figure(
        "jaccard",
        "How alike are the near-duplicates?",
        answer,
        svg,
        grid("jaccard", "Near-duplicates by similarity", columns, rows),
    )


def _sizes(found: Stats) -> Figure | None:
    rows = found["removed_by_cluster_size"]
    if not rows:
        return None
    names = [
        short(row["from"])
        if row["below"] == row["from"] + 1
        else f"{short(row['from'])}–{short(row['below'] - 1)}"
        for row in rows
    ]
    largest = found["largest_clusters"][0]
    answer = f"The largest cluster has {count(largest['size'])} pages. Unit: removed pages."
    values = [row["documents"] for row in rows]
    svg = histograms(
        {"": values}, names, None, f"Cluster sizes. {answer}", x="pages in the cluster", y="removed pages"
    )
    columns = {
        "from": ("From (pages)", "count"),
        "below": ("Below", "count"),
        "documents": ("Removed pages", "count"),
    }
    table = grid("cluster_sizes", "Removed pages by the size of their cluster", columns, rows)
    return Figure("clusters", "Many small clusters, or a few large ones?", answer, svg, table)


def _collision(found: Stats) -> Figure | None:
    """The theoretical chance that LSH proposes a pair, if the stage wrote it down."""
    points = curve(found["facts"])
    if len(points) < 2:
        return None
    facts = found["facts"]
    hashes = (
        f"With {facts['bands']} bands of {facts['rows']} rows: "
        if "bands" in facts and "rows" in facts
        else ""
    )
    at = (
        f" It is {percent(facts['recall_at_threshold'])} at the threshold {facts['threshold']}."
        if "recall_at_threshold" in facts and "threshold" in facts
        else ""
    )
    answer = f"{hashes}the chance that a pair of this similarity is compared.{at}"
    answer = sentence(answer)
    svg = lines(
        [Series("candidate", points, dots=True)],
        f"Collision curve. {answer}",
        x="Jaccard similarity of a pair",
        y="probability of being compared",
        zero=True,
    )
    rows = [{"similarity": x, "probability": y} for x, y in points]
    columns = {"similarity": ("Similarity", "decimal"), "probability": ("Probability", "decimal")}
    return Figure(
        "collision",
        "Which pairs can LSH find?",
        answer,
        svg,
        grid("collision", "Collision curve of LSH", columns, rows),
    )


def curve(facts: Stats) -> list[tuple[float, float]]:
    """(similarity, probability) from the stage's facts, which map one to the other as text."""
    return sorted((float(x), float(y)) for x, y in (facts.get("collision_curve") or {}).items())
