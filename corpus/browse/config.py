"""The keys of `jobs/inspect.py`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import option

TEXT, JSON, CSV = "text", "json", "csv"


@dataclass(frozen=True, kw_only=True)
class InspectConfig:
    """Look at rows of a table, or at what became of one page."""

    input: tuple[str, ...] = option(
        "a finished stage folder or Parquet files to see rows of; workspaces and stage folders for a story"
    )
    table: str = option("table of the stage, such as ledger or stage1/agent; none: that of its records", "")
    where: str = option(
        "condition on the columns, such as: agent_score >= 0.5 AND url LIKE '%/docs/%'",
        "",
    )
    columns: tuple[str, ...] = option("columns to show, in this order; none: all", ())
    rows: int = option("rows to show", 5, least=1, most=100_000)
    seed: int | None = option("seed by which the rows are drawn; null: the first rows", 0)
    format: str = option("how rows and stories are written", TEXT, choices=(TEXT, JSON, CSV))
    characters: int = option("characters of a value that are shown as text; 0: all", 800, least=0)
    url: str = option("address of a page whose story is told", "")
    id: str = option("id of a page or seed whose story is told", "")
