"""Tables of the rounds job."""

from __future__ import annotations

from corpus.engine.tables.columns import AGENT_SCORE, FLAG, ID, LONG, TEXT, URL, Column, Table

LIGHT = Table(
    "light",
    "pages of the crawl as the classifier sees them, read once for all rounds",
    (
        ID,
        URL,
        Column("key", TEXT, "the address in its normal form: no scheme, no www., no last slash"),
        Column("site", TEXT, "registrable domain"),
        Column("title", TEXT, "title of the page"),
        Column("text", TEXT, "light text, its start"),
        Column("warc", TEXT, "archive that holds the record"),
        Column("offset", LONG, "first byte of the record in the archive"),
    ),
    ("id", "warc", "offset"),
)

SCORED = Table(
    "scored",
    "pages of the crawl with the score of a round's classifier",
    (
        ID,
        URL,
        Column("key", TEXT, "the address in its normal form: no scheme, no www., no last slash"),
        Column("site", TEXT, "registrable domain"),
        AGENT_SCORE,
        Column("hit", FLAG, "whether the score reaches the round's threshold"),
        Column("warc", TEXT, "archive that holds the record"),
        Column("offset", LONG, "first byte of the record in the archive"),
    ),
    ("id", "warc", "offset"),
)

ROUND_LABELS = Table(
    "labels",
    "labels that a round brings for the next one's classifier",
    (
        URL,
        Column("label", TEXT, "positive or negative"),
        Column("verdict", TEXT, "yes, no or stub of a page that was read one by one, null for others"),
        Column("site", TEXT, "registrable domain: it is held out as a whole"),
        Column("given_by", TEXT, "round in which it was decided, or background"),
        Column("prefix", TEXT, "reviewed prefix that holds the page, empty where none does"),
        AGENT_SCORE,
        Column("missed", FLAG, "whether the round's classifier had left it out"),
    ),
    ("site", "url", "label"),
)
