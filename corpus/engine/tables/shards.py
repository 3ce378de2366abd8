"""Tables of the shard job."""

from __future__ import annotations

import pyarrow as pa

from corpus.engine.tables.columns import (
    AGENT_SCORE,
    BODY,
    FLAG,
    ID,
    INT,
    KIND,
    LANGUAGE,
    LICENCE,
    NUM_TOKENS,
    SOURCE,
    TEXT,
    URL,
    Column,
    Table,
)

REPETITION = Column(
    "repetition", INT, "0 for a document's first copy, 1 for that of the second pass over its source, ..."
)
SHARDS = Table(
    "shard",
    "documents of one source in one set; each part is a random sample of them, in the seeded order",
    (ID, URL, BODY, LANGUAGE, SOURCE, KIND, LICENCE, AGENT_SCORE, NUM_TOKENS, REPETITION),
    ("position",),
)
_CALL = pa.struct(
    [("id", TEXT), ("type", TEXT), ("function", pa.struct([("name", TEXT), ("arguments", TEXT)]))]
)
MESSAGES = Column(
    "messages",
    pa.list_(
        pa.struct(
            [
                *(("role", TEXT), ("content", TEXT), ("tool_calls", pa.list_(_CALL))),
                *(("tool_call_id", TEXT), ("name", TEXT), ("loss", FLAG)),
            ]
        )
    ),
    "turns: role is system, user, assistant or tool; arguments of calls are JSON; loss is false where a turn "
    "of the assistant is not to be learnt, null elsewhere",
)
CONVERSATIONS = Table(
    "sft",
    "conversations of one source, in the set sft or held out of it; `text` is the conversation in plain form",
    (
        *(ID, URL, BODY, MESSAGES),
        Column("tools", TEXT, "JSON list of the tools that may be called, null where there are none"),
        *(LANGUAGE, SOURCE, KIND, LICENCE, AGENT_SCORE),
        Column(
            "num_tokens",
            INT,
            "length under the chat template of the manifest's tokenizer; that of `text` where it has none",
        ),
        REPETITION,
    ),
    ("position",),
)
INPUT_IDS = Column("input_ids", pa.list_(INT), "token ids, with exactly one end-of-text token at the end")
