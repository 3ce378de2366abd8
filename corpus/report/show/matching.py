"""Matching: how near the pages are to seeds, what each seed source found, and the map of embeddings."""

from __future__ import annotations

from typing import Any

from corpus.report.figures.curves import scatter
from corpus.report.grids import grid
from corpus.report.markup import count, decimal, percent
from corpus.report.parts import Figure, Section, empty
from corpus.report.show.shapes import distribution

Stats = dict[str, Any]
_GROUPS = {"seed": "seeds", "kept": "retrieved pages", "dropped": "other pages", "general": "other pages"}


def section(stats: Stats) -> Section:
    found = stats["matches"]
    if not found:
        return empty("matching", "Matching", "matched")
    without = found["seeds_without_pages"]
    none = f", {count(without)} that were compared found none" if without is not None else ""
    lead = (
        f"Each of the {count(found['pages'])} pages names its nearest seed. "
        f"{count(found['seeds_with_pages'])} seeds found at least one page{none}."
    )
    sources = {
        "source": ("Seed source", "foreign"),
        "seeds": ("Seeds", "count"),
        "with_pages": ("With pages", "count"),
        "crowded": ("Crowded", "count"),
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
    left_out = {
        "source": ("Seed source left out", "foreign"),
        "items": ("Items", "count"),
        "median_rank": ("Median rank among general pages", "percent"),
        "share_above": ("Items above 95 % of them", "percent"),
    }
    rows = found["facts"].get("sources_left_out") or []
    tables = [
        grid("sources_left_out", "Items of a source, matched to the seeds of all others", left_out, rows),
        grid("seed_hits", "What each seed source found", sources, found["hits_by_source"]),
        grid("top_seeds", "Seeds that found most pages", seeds, found["top_seeds"]),
    ]
    figures = [figure for figure in (_scores(found), _map(found)) if figure]
    return Section("matching", "Matching", lead, figures, [table for table in tables if table.rows])


def _scores(found: Stats) -> Figure | None:
    least = found["min_score"]
    line = f" Pages below {decimal(least, 2)} are dropped." if isinstance(least, (int, float)) else ""
    answer = f"Similarity of each page to its nearest seed.{line}"
    groups = [name for name in ("kept", "dropped") if any(row.get(name) for row in found["scores"])]
    return distribution(
        "match-scores",
        "How near are the pages to their seeds?",
        answer,
        found["scores"],
        x="cosine similarity to the nearest seed",
        groups=groups,
        caption="Pages by match score",
    )


def _map(found: Stats) -> Figure | None:
    if not found["map"]:
        return None
    groups = found["map"]["groups"]
    near = [
        f"{_GROUPS.get(row['group'], row['group'])} {decimal(row['mean_similarity'], 2)}"
        for row in groups
        if row["mean_similarity"] is not None
    ]
    auc = found["map"]["auc"]
    told = (
        f" A retrieved page is nearer to a seed than another page in {percent(auc)} of pairs (AUC); pages "
        "are chosen by this nearness, so a high value is no proof of quality."
        if auc is not None
        else ""
    )
    words = f" Mean similarity to the nearest seed: {', '.join(near)}." if near else ""
    answer = f"Embeddings in two dimensions; only nearness has a meaning, so there are no axes.{told}{words}"
    points = {
        _GROUPS.get(name, name): found["map"]["points"][name]
        for name in sorted(found["map"]["points"], key=_order)
    }
    columns = {
        "group": ("Group", "text"),
        "points": ("Points", "count"),
        "mean_similarity": ("Mean similarity to nearest seed", "decimal"),
    }
    table = grid("map_groups", "Groups of the map", columns, groups)
    return Figure("map", "Do retrieved pages lie where the seeds are?", answer, scatter(points), table)


def _order(name: str) -> tuple[int, str]:
    """Dropped pages are drawn first, so that they cover nothing."""
    return {"dropped": 0, "general": 0, "seed": 1, "kept": 2}.get(name, 3), name
