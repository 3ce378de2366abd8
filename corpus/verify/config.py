"""The keys of `jobs/verify.py`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import option

# In the order in which they are made: each one reads what those before it found whole.
CHECKS = (
    *("fingerprint", "files", "sha256", "schema", "rows", "counts", "ids", "ledger", "chain", "origin"),
    *("references", "totals", "shares", "sets", "tokens", "contamination"),
)


@dataclass(frozen=True, kw_only=True)
class VerifyConfig:
    """Check finished stages from their files alone."""

    input: tuple[str, ...] = option("finished stage folders, or workspaces that hold some")
    checks: tuple[str, ...] = option("checks to make; none: all", (), choices=CHECKS)
    sample: int = option(
        "rows of each table whose tokens are counted again, whose texts are searched for benchmark items and "
        "whose records are looked up in their archive",
        200,
        least=0,
    )
    deep: bool = option("instead of samples take every row, and hash the files of the inputs too", False)
    seed: int = option("seed of the samples", 0)
    threads: int = option("files that are read at the same time; 0: one per core", 0, least=0, most=256)
