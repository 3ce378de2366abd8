"""The dictionary of all tables in Markdown."""

from __future__ import annotations

import pyarrow as pa

from corpus.engine.tables import ALL_TABLES


def markdown() -> str:
    """The dictionary of all tables, as docs/tables.md holds it."""
    lines = [
        "# Tables",
        "",
        "Made from `corpus/engine/tables/` by `python -m corpus.engine.tables > docs/tables.md`.",
        "",
    ]
    for stage, table in ALL_TABLES:
        rest = " Further columns of the input pass through." if table.open else ""
        lines += [f"## {stage}: `{table.name}/`", "", f"{table.doc[0].upper()}{table.doc[1:]}.{rest}", ""]
        lines += ["| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{c.name}` | {_plain(c.type)} | {c.doc} |" for c in table.columns] + [""]
    return "\n".join(lines)


def _plain(kind: pa.DataType) -> str:
    return str(kind).replace("element: ", "").replace("item: ", "")
