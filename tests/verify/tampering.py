"""Changing finished stages, clumsily (the bytes alone) or with care (the manifest mended to fit)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.verify.config import VerifyConfig
from corpus.verify.report import Check
from corpus.verify.run import verify


def checks(folder: Path, **keys: Any) -> dict[str, Check]:
    config = VerifyConfig(input=(str(folder),), **{"sample": 20, **keys})
    return {check.name: check for check in verify(str(folder), config)}


def failed(folder: Path, **keys: Any) -> dict[str, str]:
    """The checks that failed, with what they said."""
    found = checks(folder, **keys)
    return {name: "\n".join(check.problems) for name, check in found.items() if check.problems}


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def first_part(folder: Path, table: str) -> Path:
    return sorted((folder / table).glob("*.parquet"))[0]


def edit(folder: Path, table: str, change: Callable[[pa.Table], pa.Table], *, mend: bool = True) -> None:
    """Rewrite the first file of a table; with `mend` the manifest says what is there now."""
    path = first_part(folder, table)
    pq.write_table(change(pq.read_table(path)), path)
    if mend:
        mend_files(folder)


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def mend_files(folder: Path) -> None:
    """Let the manifest list the bytes, hashes and rows that the files have now."""

    def mended(data: dict[str, Any]) -> None:
        for files in data["tables"].values():
            for file in files:
                content = (folder / file["path"]).read_bytes()
                file |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                if file["path"].endswith(".parquet"):
                    file["rows"] = pq.read_metadata(folder / file["path"]).num_rows

    edit_manifest(folder, mended)


def with_value(table: pa.Table, column: str, row: int, value: Any) -> pa.Table:
    """The table with one value replaced."""
    values = table[column].to_pylist()
    values[row] = value
    kind = table.schema.field(column).type
    return table.set_column(table.schema.get_field_index(column), column, pa.array(values, kind))
