"""Tables of the match job."""

from __future__ import annotations

from corpus.engine.tables.columns import (
    BODY,
    FLOAT,
    ID,
    INT,
    KIND,
    SOURCE,
    TEXT,
    URL,
    Column,
    Table,
)

MATCHED_PAGES = Table(
    "pages",
    "pages near to a seed, with all columns of the input",
    (
        ID,
        URL,
        BODY,
        Column("match_score", FLOAT, "cosine similarity to the nearest seed"),
        Column("match_seed_id", TEXT, "id of the nearest seed"),
        Column("match_source", TEXT, "source of the nearest seed"),
        Column("match_kind", TEXT, "kind of the nearest seed"),
        Column("match_rank", INT, "rank of the page among the pages nearest to that seed, from 1"),
    ),
    ("id",),
    open=True,
)

SEED_HITS = Table(
    "seed_hits",
    "seeds that found pages, and how many",
    (
        Column("seed_id", TEXT, "id of the seed"),
        SOURCE,
        KIND,
        Column("title", TEXT, "title of the seed"),
        Column("pages", INT, "pages whose nearest seed this is"),
        Column("best_score", FLOAT, "highest similarity among them"),
    ),
    ("seed_id",),
)

INDEX = Table(
    "index",
    "the seeds that pages were compared with, in the order of the rows of `embeddings.npy` beside them",
    (
        Column("seed_id", TEXT, "id of the seed"),
        SOURCE,
        KIND,
        Column("title", TEXT, "title of the seed"),
    ),
    ("seed_id",),
)

MAP = Table(
    "map",
    "a sample of seeds and pages on the plane of their first two principal components",
    (
        ID,
        Column("group", TEXT, "seed, kept or dropped"),
        SOURCE,
        Column("x", FLOAT, "first coordinate"),
        Column("y", FLOAT, "second coordinate"),
        Column("nearest_seed_similarity", FLOAT, "cosine similarity to the nearest seed other than itself"),
    ),
    ("group", "id"),
)
