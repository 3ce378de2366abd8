"""Tables of the classifier job."""

from __future__ import annotations

from corpus.engine.tables.columns import (
    AGENT_SCORE,
    FLOAT,
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
        Column("label", TEXT, "agent, general or stub"),
        Column("given_by", TEXT, "who gave the label: crawl, or a file of labels or what that file says"),
        AGENT_SCORE,
        Column("second_score", FLOAT, "calibrated chance by the second scorer, null without one"),
        Column("joint_score", FLOAT, "chance by both scores, which decides; null without a second scorer"),
        Column("fold", INT, "fold in which the site was held out"),
    ),
    ("site", "url", "fold", "label"),
)
