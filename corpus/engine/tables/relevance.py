"""Tables of the classifier job."""

from __future__ import annotations

from corpus.engine.tables.columns import (
    AGENT_SCORE,
    INT,
    TEXT,
    URL,
    Column,
    Table,
)

SCORES = Table(
    "scores",
    "scores of the pages that the classifier was measured on, each from a model that never saw its site",
    (
        URL,
        Column("site", TEXT, "host or origin that was held out as a whole"),
        Column("label", TEXT, "agent or general"),
        Column("given_by", TEXT, "who gave the label: seed, crawl, labels"),
        AGENT_SCORE,
        Column("fold", INT, "fold in which the site was held out"),
    ),
    ("site", "url", "fold", "label"),
)
