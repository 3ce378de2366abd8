"""Tables of the seeds job."""

from __future__ import annotations

import pyarrow as pa

from corpus.engine.tables.columns import (
    BODY,
    ID,
    INT,
    KIND,
    LANGUAGE,
    LICENCE,
    SOURCE,
    TEXT,
    URL,
    Column,
    Table,
)

SEEDS = Table(
    "seeds",
    "examples of the wanted data, one row per item",
    (
        ID,
        URL,
        Column("title", TEXT, "name of the tool, command, task or function"),
        BODY,
        LANGUAGE,
        SOURCE,
        KIND,
        LICENCE,
        Column("apis", pa.list_(TEXT), "distinct APIs that the item documents or calls, sorted"),
        Column("path", TEXT, "file within the source"),
        Column("item", INT, "position in that file"),
    ),
    ("id",),
)
