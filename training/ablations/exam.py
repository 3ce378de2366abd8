"""Seeds that no cell may train on, as benchmark items."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpus.engine import manifest
from corpus.engine.errors import UserError

NAME = "seeds"
_FEW = 4  # files of a source; with fewer its single seeds are drawn


def write_exam(workspace: Path, share: float, path: Path) -> int:
    """Texts of held-out seeds, a JSON line each, category = kind; returns how many.

    Whole files of a source are drawn by the hash of their names, since seeds of one file are alike.
    """
    rows = _read(workspace / "clean_seeds")
    files: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        files[row["source"]].add(row["path"] or "")
    chosen = [row for row in rows if _is_held_out(row, len(files[row["source"]]) < _FEW, share)]
    if not chosen:
        raise UserError(f"held_out={share} of {len(rows)} seeds is none; give a larger share.")
    lines = [json.dumps({"id": row["id"], "category": row["kind"], "text": row["text"]}) for row in chosen]
    fresh = path.with_suffix(".tmp")
    fresh.write_text("\n".join(lines) + "\n", "utf-8")
    os.replace(fresh, path)
    return len(chosen)


def _is_held_out(row: dict[str, Any], singly: bool, share: float) -> bool:
    drawn = row["id"] if singly else f"{row['source']}/{row['path']}"
    number = int.from_bytes(hashlib.blake2b(drawn.encode(), digest_size=8).digest(), "big")
    return number < share * 2**64


def _read(folder: Path) -> list[dict[str, Any]]:
    found = manifest.read(str(folder))
    files = manifest.require_whole(found, "seeds")
    rows: list[dict[str, Any]] = []
    for file in files:
        rows += pq.read_table(
            folder / file.path, columns=["id", "source", "path", "kind", "text"]
        ).to_pylist()
    return sorted(rows, key=lambda row: row["id"])
