"""Published losses of mixing experiments, where they lie beside the checkout."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

from training.law.losses import Losses, from_rows

SOURCES = ("Github", "Books3", "Pile-CC")


def published(shared_data: Path) -> dict[str, Losses]:
    """Three sources at 410M, by validation domain, each with the same 32 mixes."""
    tables: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(shared_data / "laws" / "mixing_losses.csv.gz", "rt") as stream:
        for row in csv.DictReader(stream):
            if (row["experiment"], row["model_size"], row["step"]) == ("3Mix", "410M", "60000"):
                shares = dict(zip(SOURCES, map(float, row["run"].split("-")[1:])))
                one = {"run": row["run"], "shares": shares, "size": 4.1e8, "tokens": 3e10}
                tables.setdefault(row["validation_domain"], []).append({**one, "loss": float(row["loss"])})
    return {
        name: from_rows(sorted(rows, key=lambda row: row["run"]), SOURCES)
        for name, rows in sorted(tables.items())
    }
