"""What a table is, the columns that several stages share, and the ledger that all of them write."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TEXT, INT, LONG, FLOAT, FLAG = pa.string(), pa.int32(), pa.int64(), pa.float32(), pa.bool_()
TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Column:
    name: str
    type: pa.DataType
    doc: str


@dataclass(frozen=True)
class Table:
    """`sort_by` must order the rows totally, else equal inputs could give files that differ.

    An `open` table lets columns of its input pass through behind the declared ones: stages add, none removes.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    sort_by: tuple[str, ...]
    open: bool = False

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.type) for column in self.columns])

    def plus(self, doc: str, *columns: Column) -> Table:
        return Table(self.name, doc, self.columns + columns, self.sort_by, self.open)


ID = Column("id", TEXT, "128-bit hex hash of the record's identity")
URL = Column("url", TEXT, "address of the page, or of the item within its source")
BODY = Column("text", TEXT, "the text; code blocks and tables stay verbatim")
LANGUAGE = Column("language", TEXT, "ISO 639-1 code of the detected language, null where unknown")
SOURCE = Column("source", TEXT, "name of the data set or crawl that the record comes from")
KIND = Column("kind", TEXT, "tool_doc, function_call, trajectory, code, plan, conversation, text")
LICENCE = Column(
    "licence", TEXT, "licence stated by the source or linked from the page, null where none is stated"
)
AGENT_SCORE = Column("agent_score", FLOAT, "probability of the agent classifier, 0 to 1")
NUM_TOKENS = Column("num_tokens", INT, "length under the tokenizer that the manifest names")

LEDGER = Table(
    "ledger",
    "one row for each record that came in",
    (
        ID,
        URL,
        Column("stage", TEXT, "stage that decided"),
        Column("outcome", TEXT, "kept, dropped or failed"),
        Column("reason", TEXT, "why it was not kept; empty for kept records"),
        AGENT_SCORE,
        Column("warc", TEXT, "archive (shards: input file) that holds the record, null in other stages"),
        Column("offset", LONG, "first byte of the record in the archive or plain file; of tables the row"),
    ),
    ("id", "warc", "offset", "outcome", "reason"),
)
