"""Tables of the dedup job."""

from __future__ import annotations

import pyarrow as pa

from corpus.engine.tables.columns import (
    BODY,
    FLOAT,
    ID,
    INT,
    LONG,
    TEXT,
    URL,
    Column,
    Table,
)

UNIQUE_PAGES = Table(
    "pages", "survivors of deduplication, with all columns of the input", (ID, URL, BODY), ("id",), open=True
)

DUPLICATES = Table(
    "duplicates",
    "one row per removed page, with its survivor and the evidence",
    (
        ID,
        URL,
        Column("kept_id", TEXT, "id of the survivor"),
        Column("index", TEXT, "index that holds the survivor, empty where it is a page of this run"),
        Column(
            "relation",
            TEXT,
            "payload: same bytes and text; url: same address and text; text: same normalised text; "
            "near: compared by shingles",
        ),
        Column("jaccard", FLOAT, "exact Jaccard similarity of the shingle sets of both texts"),
        Column("containment", FLOAT, "share of the removed page's shingles that the survivor has"),
        Column("cluster_id", TEXT, "smallest id of the cluster in this run"),
        Column("cluster_size", INT, "pages of this run in the cluster"),
    ),
    ("id",),
)

BOILERPLATE = Table(
    "boilerplate",
    "lines that repeat over the kept pages of a host",
    (
        Column("host", TEXT, "lower-case host of the URL"),
        Column("line", TEXT, "the line, runs of white space as one space"),
        Column("pages", LONG, "kept pages of the host that have the line"),
        Column("host_pages", LONG, "kept pages of the host"),
        Column("removed_from", LONG, "pages among them where it stands as boilerplate"),
    ),
    ("host", "line"),
)

DEDUP_INDEX = Table(
    "index",
    "what later runs compare their pages with: a row for each kept page, without its text",
    (
        ID,
        URL,
        Column("score", FLOAT, "agent score, for the order of survivors"),
        Column("digest", TEXT, "payload digest"),
        Column("date", LONG, "when the page was fetched, microseconds since 1970"),
        Column("length", LONG, "characters of the text"),
        Column("text_key", TEXT, "128-bit hex hash of the normalised text"),
        Column("url_key", LONG, "64-bit hash of the normalised URL"),
        Column("shingles", INT, "distinct shingles"),
        Column("bands", pa.list_(LONG), "64-bit hashes of the MinHash bands, then of address and payload"),
        Column("hashes", pa.binary(), "the shingle set: sorted 40-bit hashes of five bytes, little-endian"),
        Column("sample_key", LONG, "hash by which samples are drawn"),
    ),
    ("id",),
)
