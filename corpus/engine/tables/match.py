"""Tables of the match job."""

from __future__ import annotations

import pyarrow as pa

from corpus.engine.tables.columns import (
    BODY,
    FLAG,
    FLOAT,
    ID,
    INT,
    KIND,
    LONG,
    SOURCE,
    TEXT,
    URL,
    Column,
    Table,
)

_SEED_ID = Column("seed_id", TEXT, "id of the seed")
_TITLE = Column("title", TEXT, "title of the seed")

MATCHED_PAGES = Table(
    "pages",
    "pages near to a seed, with all columns of the input",
    (
        ID,
        URL,
        BODY,
        Column("match_score", FLOAT, "cosine similarity to the seed that the page resembles most"),
        Column("match_margin", FLOAT, "the same less what general pages reach with that seed"),
        Column("match_seed_id", TEXT, "id of that seed"),
        Column("match_source", TEXT, "source of that seed"),
        Column("match_kind", TEXT, "kind of that seed"),
        Column("match_rank", INT, "rank of the page among the kept pages of that seed, from 1"),
        Column("match_chunk", INT, "chunk of the page that is like the seed, 0 for the start of the text"),
        Column(
            "combined_score", FLOAT, "chance of being wanted by classifier, second scorer, match and host"
        ),
        Column(
            "cluster_id", TEXT, "id of the page that leads its cluster of near-duplicates; its own if alone"
        ),
        Column("cluster_size", INT, "pages of that cluster before caps and quotas"),
        Column("cluster_similarity", FLOAT, "cosine similarity to the page that leads the cluster"),
    ),
    ("id",),
    open=True,
)

SEED_HITS = Table(
    "seed_hits",
    "every seed of the input, and what it found",
    (
        _SEED_ID,
        SOURCE,
        KIND,
        _TITLE,
        Column(
            "role",
            TEXT,
            "used; or why no page was compared with it: empty, same_text, near, represented (by one like it)",
        ),
        Column("stood_by", TEXT, "id of the seed of the index that stands for it; null for an empty one"),
        Column("stands_for", INT, "seeds that it stands for, itself among them; null where it is not used"),
        Column("background", FLOAT, "similarity that general pages reach with it"),
        Column("resembled", INT, "pages that resemble it most, kept or not"),
        Column("pages", INT, "kept pages among them"),
        Column("best_score", FLOAT, "highest similarity among the kept ones, null where there is none"),
        Column("flag", TEXT, "none where a used seed has found no page, crowded where it has found too many"),
    ),
    ("seed_id",),
)

INDEX = Table(
    "index",
    "the seeds that pages were compared with, in the order of the rows of the vectors beside them",
    (
        Column("seed_row", INT, "row of the seed, from 0"),
        _SEED_ID,
        SOURCE,
        KIND,
        _TITLE,
        Column("stands_for", INT, "seeds of the input that it represents, itself among them"),
    ),
    ("seed_row",),
)

EMBEDDINGS = Table(
    "embeddings",
    "the encoded chunks of the pages: another threshold, or other seeds, cost no second encoding",
    (
        ID,
        Column("chunk", INT, "number of the chunk, 0 for the start of the text"),
        Column("start", INT, "first character of the chunk in the text"),
        Column("end", INT, "character behind the chunk"),
        Column(
            "text_hash",
            LONG,
            "hash of the page's text and title, which tells whether the vectors are still its own",
        ),
        Column("vector", pa.binary(), "unit vector as float16, little-endian"),
    ),
    ("id", "chunk"),
)

MATCH_SCORES = Table(
    "scores",
    "what was measured of every page, kept or not",
    (
        ID,
        URL,
        Column(
            "coarse_score",
            FLOAT,
            "how far the coarse pass guesses the page's best hit to lie above what selection asks of that "
            "seed; null without a coarse pass, without text, and with an embedding of an earlier run",
        ),
        Column("shortlisted", FLAG, "whether the sentence encoder looked at the page"),
        Column("match_score", FLOAT, "cosine similarity to the seed that the page resembles most"),
        Column("match_margin", FLOAT, "the same less what general pages reach with that seed"),
        Column("match_seed_id", TEXT, "id of that seed"),
        Column("match_kind", TEXT, "kind of that seed"),
        Column("match_chunk", INT, "chunk of the page that is like the seed; `embeddings` has its place"),
        Column("combined_score", FLOAT, "chance of being wanted by all scores together"),
        Column("reason", TEXT, "why the page was dropped, empty where it was kept"),
    ),
    ("id",),
)

MAP = Table(
    "map",
    "a sample of seeds and pages in two dimensions",
    (
        ID,
        Column("group", TEXT, "seed, kept, or general: pages that were not kept"),
        SOURCE,
        Column("x", FLOAT, "first coordinate"),
        Column("y", FLOAT, "second coordinate"),
        Column("nearest_seed_similarity", FLOAT, "cosine similarity to the nearest seed other than itself"),
    ),
    ("group", "id"),
)
