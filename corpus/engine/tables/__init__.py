"""The declared schema of every table: names, types, order of rows, and what each column means.

One module per stage. Writers check against these; `docs/tables.md` and the report's glossary come from them.
"""

from __future__ import annotations

from collections.abc import Sequence

from corpus.engine.tables.columns import (
    AGENT_SCORE,
    BODY,
    FLAG,
    FLOAT,
    ID,
    INT,
    KIND,
    LANGUAGE,
    LEDGER,
    LICENCE,
    LONG,
    NUM_TOKENS,
    SOURCE,
    TEXT,
    TIME,
    URL,
    Column,
    Table,
)
from corpus.engine.tables.crawl import DAMAGE, FILES, PAGES, QUALITY
from corpus.engine.tables.dedup import BOILERPLATE, DEDUP_INDEX, DUPLICATES, UNIQUE_PAGES
from corpus.engine.tables.harvest import HARVESTED_SEEDS
from corpus.engine.tables.hygiene import CLEAN_PAGES, CONTAMINATION
from corpus.engine.tables.labels import LABELS, OPINIONS
from corpus.engine.tables.match import EMBEDDINGS, INDEX, MAP, MATCH_SCORES, MATCHED_PAGES, SEED_HITS
from corpus.engine.tables.relevance import SCORES
from corpus.engine.tables.rounds import LIGHT, ROUND_LABELS, SCORED
from corpus.engine.tables.seeds import SEEDS
from corpus.engine.tables.shards import CONVERSATIONS, INPUT_IDS, SHARDS

__all__ = [
    "AGENT_SCORE",
    "ALL_TABLES",
    "BODY",
    "BOILERPLATE",
    "CLEAN_PAGES",
    "CONTAMINATION",
    "CONVERSATIONS",
    "DAMAGE",
    "DEDUP_INDEX",
    "DUPLICATES",
    "EMBEDDINGS",
    "FILES",
    "FLAG",
    "FLOAT",
    "HARVESTED_SEEDS",
    "ID",
    "INDEX",
    "INPUT_IDS",
    "INT",
    "KIND",
    "LABELS",
    "LANGUAGE",
    "LEDGER",
    "LICENCE",
    "LIGHT",
    "LONG",
    "MAP",
    "MATCHED_PAGES",
    "MATCH_SCORES",
    "NUM_TOKENS",
    "OPINIONS",
    "PAGES",
    "QUALITY",
    "ROUND_LABELS",
    "SCORED",
    "SCORES",
    "SEEDS",
    "SEED_HITS",
    "SHARDS",
    "SOURCE",
    "TEXT",
    "TIME",
    "UNIQUE_PAGES",
    "URL",
    "Column",
    "Table",
]

ALL_TABLES: Sequence[tuple[str, Table]] = (
    ("every stage", LEDGER),
    ("seeds", SEEDS),
    ("harvest", HARVESTED_SEEDS),
    ("label", LABELS),
    ("label", OPINIONS),
    ("classifier", SCORES),
    ("rounds", LIGHT),
    ("rounds", SCORED),
    ("rounds", ROUND_LABELS),
    ("filter", PAGES),
    ("filter", FILES),
    ("dedup", UNIQUE_PAGES),
    ("dedup", DUPLICATES),
    ("dedup", BOILERPLATE),
    ("dedup", DEDUP_INDEX),
    ("hygiene", CLEAN_PAGES),
    ("hygiene", CONTAMINATION),
    ("match", MATCHED_PAGES),
    ("match", SEED_HITS),
    ("match", MATCH_SCORES),
    ("match", INDEX),
    ("match", EMBEDDINGS),
    ("match", MAP),
    ("shard", SHARDS.plus(SHARDS.doc, INPUT_IDS)),
    ("shard", CONVERSATIONS),
)
