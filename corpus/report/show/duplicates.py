"""Deduplication: by which relation, how similar, in clusters of which size, and how well it was found."""

from __future__ import annotations

from typing import Any

from corpus.report.figures.bars import Bar, Part, bars
from corpus.report.figures.curves import Series, lines
from corpus.report.grids import Grid, grid
from corpus.report.markup import count, percent, sentence
from corpus.report.parts import Figure, Section, empty
from corpus.report.show.shapes import distribution, ends

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
        f"is written down with its survivor and the evidence.{_measured(found)}"
    )
    columns = {
        "example": ("Example of a removed page", "foreign"),
        "size": ("Pages", "count"),
        "removed": ("Removed", "count"),
        "cluster": ("Cluster", "foreign"),
    }
    largest = grid("clusters", "Largest clusters of duplicates", columns, found["largest_clusters"])
    figures = [_relations(found), _jaccard(found), _sizes(found), _collision(found)]
    tables = [table for table in (_quality(found), largest) if table and table.rows]
    return Section("duplicates", "Deduplication", lead, [f for f in figures if f], tables)


def _measured(found: Stats) -> str:
    sample = found["facts"].get("sample") or {}
    if sample.get("recall") is None:
        return ""
    return (
        f" On a sample of {count(sample.get('pages'))} pages, compared pair by pair, recall was "
        f"{percent(sample['recall'])} and precision {percent(sample.get('precision'))}."
    )


def _quality(found: Stats) -> Grid | None:
    """Recall and precision on the sample of pages of which all pairs were compared."""
    sample = found["facts"].get("sample") or {}
    rows = [
        {"similarity": float(low), **{key: row.get(key) for key in ("pairs", "compared", "expected")}}
        for low, row in sorted((sample.get("by_similarity") or {}).items())
    ]
    columns = {
        "similarity": ("Jaccard from", "decimal"),
        "pairs": ("Pairs", "count"),
        "compared": ("Found by LSH", "count"),
        "expected": ("Expected", "number"),
    }
    return (
        grid("dedup_sample", "Duplicate pairs of the sample: found, and expected by the curve", columns, rows)
        if rows
        else None
    )


def _relations(found: Stats) -> Figure | None:
    rows = found["by_relation"]
    if not rows:
        return None
    items = [
        Bar(
            _MEANING.get(row["relation"], row["relation"]),
            f"{count(row['pages'])} · {percent(row['share'])}",
            [Part("pages", row["pages"], f"{row['relation']}: {count(row['pages'])} pages")],
        )
        for row in rows
    ]
    answer = f"Most were removed as {_MEANING.get(rows[0]['relation'], rows[0]['relation'])}."
    columns = {"relation": ("Relation", "text"), "pages": ("Pages", "count"), "share": ("Share", "percent")}
    table = grid("duplicates", "Removed pages by their relation to the survivor", columns, rows)
    question = "What kind of duplicates are there?"
    return Figure("relations", question, answer, bars(items, unit="removed pages"), table)


def _jaccard(found: Stats) -> Figure | None:
    least = found["facts"].get("threshold")
    cut = f"; below {least:g} pages are not merged" if isinstance(least, (int, float)) else ""
    return distribution(
        "jaccard",
        "How alike are the near-duplicates?",
        f"Similarity of each near-duplicate to its survivor{cut}.",
        found["near_jaccard"],
        x="Jaccard similarity of shingle sets",
        caption="Near-duplicates by similarity to their survivor",
    )


def _sizes(found: Stats) -> Figure | None:
    rows = found["removed_by_cluster_size"]
    if not rows:
        return None
    items = [
        Bar(
            f"clusters of {ends(row)} pages",
            count(row["documents"]),
            [
                Part(
                    "pages",
                    row["documents"],
                    f"{count(row['documents'])} removed in clusters of {ends(row)} pages",
                )
            ],
        )
        for row in rows
    ]
    answer = f"The largest cluster has {count(found['largest_clusters'][0]['size'])} pages."
    columns = {"from": ("From (pages)", "count"), "below": ("Below", "count")}
    columns |= {"documents": ("Removed pages", "count")}
    table = grid("cluster_sizes", "Removed pages by the size of their cluster", columns, rows)
    question = "Many small clusters, or a few large ones?"
    return Figure("cluster-sizes", question, answer, bars(items, unit="removed pages"), table)


def _collision(found: Stats) -> Figure | None:
    """The chance in theory that LSH proposes a pair, and the share of the sample's pairs that it did."""
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
    answer = sentence(f"{hashes}the chance that a pair of this similarity is compared.{at}")
    series = [Series("in theory", points, dots=True)]
    seen = [
        (float(low) + 0.025, row["compared"] / row["pairs"])
        for low, row in sorted(((facts.get("sample") or {}).get("by_similarity") or {}).items())
        if row.get("pairs")
    ]
    if seen:
        series.append(Series("measured on the sample", seen, dots=True))
    chart = lines(
        series, x="Jaccard similarity of a pair", y="probability of being compared", zero=True, percent=True
    )
    rows = [{"series": one.name, "similarity": x, "probability": y} for one in series for x, y in one.points]
    columns = {"series": ("Curve", "text"), "similarity": ("Similarity", "decimal")}
    columns |= {"probability": ("Probability", "decimal")}
    table = grid("collision", "Collision curve of LSH", columns, rows)
    return Figure("collision", "Which pairs can LSH find?", answer, chart, table)


def curve(facts: Stats) -> list[tuple[float, float]]:
    """(similarity, probability) from the stage's facts, which map one to the other as text."""
    return sorted((float(x), float(y)) for x, y in (facts.get("collision_curve") or {}).items())
