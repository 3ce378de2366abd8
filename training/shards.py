"""What a shard set holds, found without reading the data.

Its sources, files, row groups, weights and tokenizer.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine.errors import UserError, nearest
from corpus.engine.manifest import MANIFEST, SUCCESS
from training.arrays import Int64

_SIGNS_OF_A_STAGE = (MANIFEST, SUCCESS, "_claim", "ledger")


@dataclass(frozen=True)
class ShardFile:
    """One Parquet file; `name` is its path below the set, `footer` a hash of its Parquet footer."""

    path: Path
    name: str
    bytes: int
    footer: str
    group_rows: tuple[int, ...]
    columns: tuple[str, ...]

    @property
    def rows(self) -> int:
        return sum(self.group_rows)

    @property
    def tokenised(self) -> bool:
        return "input_ids" in self.columns


@dataclass(frozen=True)
class Source:
    name: str
    weight: float
    files: tuple[ShardFile, ...]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


@dataclass(frozen=True)
class ShardSet:
    """A set of sources in a fixed order (by name), with the tokenizer facts of the manifest beside it."""

    folder: Path
    sources: tuple[Source, ...]
    tokenizer: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [source.name for source in self.sources]

    def facts(self) -> dict[str, list[Any]]:
        """What identifies the data, for the loader's fingerprint."""
        return facts_of(file for source in self.sources for file in source.files)


def open_set(folder: str, weights: Mapping[str, float] | None = None) -> ShardSet:
    """Find the sources of a shard set.

    Weights come from `weights`, else from the manifest, else they are equal; 0 leaves a source out.
    """
    root = Path(os.path.abspath(folder))
    if not root.is_dir():
        raise UserError(f"data={folder} is no folder; give a shard set such as WORKSPACE/shards/stage1.")
    facts = require_whole(root).get("facts") or {}
    names = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(("_", ".")))
    if not names:
        raise UserError(
            f"data={folder} holds no sources; it must have one folder of Parquet files per source."
        )
    for name in weights or {}:
        if name not in names:
            raise UserError(f"weights name the unknown source '{name}': {nearest(name, names)}")
    known = facts.get("sets", {}).get(root.name, {}).get("sources", {})
    found = []
    for name in names:
        weight = (weights or {}).get(name, float(known.get(name, {}).get("weight", 0.0 if known else 1.0)))
        if weight > 0:
            found.append(_source(root, name, weight))
    if not found:
        raise UserError(f"every source in {folder} has weight 0; set weights.NAME above 0.")
    tokenizer = dict(facts.get("tokenizer") or {})
    return ShardSet(root, tuple(found), {**tokenizer, "root": str(root.parent)} if tokenizer else {})


def list_files(folder: Path, root: Path) -> tuple[ShardFile, ...]:
    """The Parquet files of a folder in order of name. Raises UserError for one that cannot be read."""
    names = sorted(n for n in os.listdir(folder) if n.endswith(".parquet") and not n.startswith(("_", ".")))
    return tuple(_file(folder / name, root) for name in names)


def facts_of(files: Iterable[ShardFile]) -> dict[str, list[Any]]:
    """Size, rows and footer hash of each file: its content without reading it."""
    return {file.name: [file.bytes, file.rows, file.footer] for file in files}


def row_tokens(file: ShardFile) -> Int64:
    """Tokens of each row, where the shards say so; else 1 each, so that lanes are balanced by rows."""
    if "num_tokens" not in file.columns:
        return np.ones(file.rows, dtype=np.int64)
    column: Any = pq.read_table(file.path, columns=["num_tokens"], partitioning=None)["num_tokens"]
    return np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy(), dtype=np.int64)


def require_whole(root: Path) -> dict[str, Any]:
    """The manifest of the stage that wrote the set in `root`; empty where no stage did, which is allowed.

    Raises UserError if the stage is not finished, or if the set's files are not those that it listed.
    """
    stage = root.parent
    if not any((stage / name).exists() for name in _SIGNS_OF_A_STAGE):
        return {}
    for name in (SUCCESS, MANIFEST):
        if not (stage / name).is_file():
            raise UserError(f"{stage} is no finished shard stage: it has no {name}; run the shard job again.")
    path = stage / MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
        tables = manifest.get("tables")
        listed = {file["path"]: file["bytes"] for files in (tables or {}).values() for file in files}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}); run the shard job again.") from error
    if tables is not None:
        _check_files(root, {name: size for name, size in listed.items() if name.startswith(f"{root.name}/")})
    return dict(manifest)


def _check_files(root: Path, listed: Mapping[str, int]) -> None:
    """`listed`: bytes of each file by its path below the stage."""
    present = {
        file.relative_to(root.parent).as_posix(): file.stat().st_size
        for file in root.glob("*/*.parquet")
        if not file.name.startswith(("_", "."))
    }
    for name in sorted({*present, *listed}):
        if present.get(name) != listed.get(name):
            fault = "missing" if name not in present else "changed" if name in listed else "not listed"
            raise UserError(
                f"{root.parent / name} is {fault}, by the manifest of the shard stage; "
                "run the shard job again."
            )


def _source(root: Path, name: str, weight: float) -> Source:
    source = Source(name, weight, list_files(root / name, root))
    if source.rows == 0:
        raise UserError(
            f"the source '{name}' in {root} has no documents; leave it out with weights.{name}=0."
        )
    for file in source.files:
        if not file.tokenised and "text" not in file.columns:
            raise UserError(f"{file.path} has neither a column input_ids nor a column text.")
    return source


def _file(path: Path, root: Path) -> ShardFile:
    try:
        with open(path, "rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(size - 8, 0))
            footer_size = int.from_bytes(stream.read(8)[:4], "little")
            stream.seek(max(size - 8 - footer_size, 0))
            footer = hashlib.sha256(stream.read(footer_size)).hexdigest()
        metadata = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{path} is no readable Parquet file ({str(error).splitlines()[0]}); write it again."
        ) from error
    groups = tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
    columns = tuple(metadata.schema.to_arrow_schema().names)
    return ShardFile(path, path.relative_to(root).as_posix(), size, footer[:32], groups, columns)
