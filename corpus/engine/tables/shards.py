"""Tables of the shard job."""

from __future__ import annotations

import pyarrow as pa

from corpus.engine.tables.columns import (
    AGENT_SCORE,
    BODY,
    ID,
    INT,
    KIND,
    LANGUAGE,
    LICENCE,
    NUM_TOKENS,
    SOURCE,
    URL,
    Column,
    Table,
)

SHARDS = Table(
    "shard",
    "documents of one source in one set; each part is a random sample of them, in the seeded order",
    (ID, URL, BODY, LANGUAGE, SOURCE, KIND, LICENCE, AGENT_SCORE, NUM_TOKENS),
    ("position",),
)
INPUT_IDS = Column("input_ids", pa.list_(INT), "token ids, with exactly one end-of-text token at the end")
