"""Matching: how near the pages are to seeds, what each seed source found, and the map of embeddings."""

from __future__ import annotations

from typing import Any

from corpus.report.figures import histograms, scatter
from corpus.report.grids import grid
from corpus.report.markup import count, decimal
from corpus.report.parts import Figure, Section, empty

Stats = dict[str, Any]


def section(stats: Stats) -> Section:
    found = stats["matches"]
    if not found:
        return empty("matching", "Matching", "matched")
    lead = (
        f"Each of the {count(found['pages'])} pages names its nearest seed. "
        f"{count(found['seeds_with_pages'])} seeds found at least one page."
    )
    sources = {
        "source": ("Seed source", "foreign"),
        "seeds": ("Seeds with pages", "count"),
        "pages": ("Pages", "count"),
        "share": ("Share", "percent"),
        "best_score": ("Best score", "decimal"),
    }
    seeds = {
        "title": ("Seed", "foreign"),
        "source": ("Source", "foreign"),
        "kind": ("Kind", "text"),
        "pages": ("Pages", "count"),
        "best_score": ("Best score", "decimal"),
    }
    tables = [
        grid("seed_hits", "What each seed source found", sources, found["hits_by_source"]),
        grid("top_seeds", "Seeds that found most pages", seeds, found["top_seeds"]),
    ]
    figures = [figure for figure in (_scores(found), _map(found)) if figure]
    return Section("matching", "Matching", lead, figures, [table for table in tables if table.rows])


def _scores(found: Stats) -> Figure | None:
    rows = found["scores"]
    values = [row.get("pages", 0) for row in rows]
    if not sum(values):
        return None
    edges = [f"similarity {row['from']:.2f} to {row['below']:.2f}" for row in rows]
    answer = "Similarity of each kept page to its nearest seed; at the left edge matching draws its line."
    svg = histograms(
        {"": values},
        edges,
        (0, 1),
        f"Match scores. {answer}",
        x="cosine similarity to the nearest seed",
        y="pages",
    )
    columns = {"from": ("From", "decimal"), "below": ("Below", "decimal"), "pages": ("Pages", "count")}
    return Figure(
        "scores",
        "How near are pages to their seeds?",
        answer,
        svg,
        grid("match_scores", "Pages by match score", columns, rows),
    )


def _map(found: Stats) -> Figure | None:
    if not found["map"]:
        return None
    groups = found["map"]["groups"]
    near = [
        f"{row['group']} {decimal(row['mean_similarity'], 2)}"
        for row in groups
        if row["mean_similarity"] is not None
    ]
    words = f" Mean similarity to the nearest seed: {', '.join(near)}." if near else ""
    answer = f"Embeddings in two dimensions; only nearness has a meaning.{words}"
    svg = scatter(found["map"]["points"], f"Map of embeddings. {answer}")
    columns = {
        "group": ("Group", "text"),
        "points": ("Points", "count"),
        "mean_similarity": ("Mean similarity to nearest seed", "decimal"),
    }
    table = grid("map_groups", "Groups of the map", columns, groups)
    return Figure("map", "Do retrieved pages lie where the seeds are?", answer, svg, table)
