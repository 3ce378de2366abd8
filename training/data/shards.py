"""What a shard set holds, found without reading the data.

Its sources, files, row groups, weights and tokenizer. A set lies on this machine or at an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.errors import UserError, nearest
from training.data.arrays import Int64
from training.data.stores import remote
from training.data.stores.cache import ShardCache
from training.data.stores.config import StoreConfig
from training.data.stores.files import CHAT, IDS, TEXT, ShardFile, facts_of, open_files
from training.data.stores.finding import FoundSet, find, listed_in, require_whole

__all__ = ["CHAT", "IDS", "TEXT", "ShardFile", "ShardSet", "Source", "facts_of", "require_whole"]


@dataclass(frozen=True)
class Source:
    """`tokens` of one pass over its files, where the shards say so; of input_ids by the footers, in which an
    empty document counts as one."""

    name: str
    weight: float
    files: tuple[ShardFile, ...]
    tokens: int | None = None

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


@dataclass(frozen=True)
class ShardSet:
    """A set of sources in a fixed order (by name), with the tokenizer facts of the manifest beside it."""

    folder: str
    sources: tuple[Source, ...]
    tokenizer: Mapping[str, Any] = field(default_factory=dict)
    cache: ShardCache = field(default_factory=ShardCache)

    @property
    def names(self) -> list[str]:
        return [source.name for source in self.sources]

    def facts(self) -> dict[str, list[Any]]:
        """What identifies the data, for the loader's fingerprint."""
        return facts_of(file for source in self.sources for file in source.files)


def open_set(
    folder: str,
    weights: Mapping[str, float] | None = None,
    store: StoreConfig | None = None,
    cache: ShardCache | None = None,
) -> ShardSet:
    """Find the sources of a shard set.

    Weights come from `weights`, else from the manifest, else they are equal; 0 leaves a source out.
    """
    cache = cache or ShardCache(store)
    found = find(folder, cache.access)
    if not found.files:
        raise UserError(
            f"data={storage.redact(folder)} holds no sources; "
            "it must have one folder of Parquet files per source."
        )
    for name in weights or {}:
        if name not in found.files:
            raise UserError(f"weights name the unknown source '{name}': {nearest(name, found.files)}")
    facts = found.manifest.get("facts") or {}
    known = facts.get("sets", {}).get(found.own, {}).get("sources", {})
    sources = []
    for name, files in found.files.items():
        said = known.get(name, {})
        weight = (weights or {}).get(name, float(said.get("weight", 0.0 if known else 1.0)))
        if weight > 0:
            source = Source(name, weight, open_files(files, cache))
            sources.append(_checked(source, folder, said.get("tokens")))
    if not sources:
        raise UserError(f"every source in {storage.redact(folder)} has weight 0; set weights.NAME above 0.")
    return ShardSet(found.root, tuple(sources), _tokenizer(found, cache), cache)


def list_sources(
    folder: str, store: StoreConfig | None = None, cache: ShardCache | None = None
) -> dict[str, tuple[ShardFile, ...]]:
    """The files of each source of a set, such as the held-out one, by name of the source."""
    cache = cache or ShardCache(store)
    return {name: open_files(files, cache) for name, files in find(folder, cache.access).files.items()}


def row_tokens(file: ShardFile) -> Int64:
    """Tokens of each row of a file on this machine, where the shards say so; else 1 each."""
    if "num_tokens" not in file.columns:
        return np.ones(file.rows, dtype=np.int64)
    column: Any = pq.read_table(file.path, columns=["num_tokens"], partitioning=None)["num_tokens"]
    return np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy(), dtype=np.int64)


def _checked(source: Source, folder: str, listed_tokens: int | None) -> Source:
    name = storage.redact(folder)
    if source.rows == 0:
        raise UserError(
            f"the source '{source.name}' in {name} has no documents; "
            f"leave it out with weights.{source.name}=0."
        )
    kinds = {file.kind for file in source.files if file.rows}
    for file in source.files:
        if not {"input_ids", "text", "messages"} & set(file.columns):
            raise UserError(f"{storage.redact(file.path)} has neither a column input_ids nor a column text.")
    if len(kinds) > 1:
        raise UserError(
            f"the source '{source.name}' in {name} mixes files of {' and '.join(sorted(kinds))}; "
            "give each a folder of its own."
        )
    return Source(source.name, source.weight, source.files, _tokens(source, listed_tokens))


def _tokens(source: Source, listed: int | None) -> int | None:
    if all(file.kind == IDS for file in source.files):
        return sum(sum(file.group_tokens) for file in source.files)
    here = all("num_tokens" in file.columns and not remote.is_remote(file.path) for file in source.files)
    return sum(int(row_tokens(file).sum()) for file in source.files) if here else listed


def _tokenizer(found: FoundSet, cache: ShardCache) -> dict[str, Any]:
    """The facts of the manifest; `root` is where the folder that they name lies on this machine."""
    tokenizer = dict((found.manifest.get("facts") or {}).get("tokenizer") or {})
    if not tokenizer:
        return {}
    tokenizer = {**tokenizer, "root": found.stage}
    if not remote.is_remote(found.stage) or "path" not in tokenizer:
        return tokenizer
    folder = str(tokenizer["path"])
    listed = listed_in(found.manifest, found.stage).items()
    parted = {path.rpartition("/")[::2]: entry for path, entry in listed}
    files = {name: entry for (own, name), entry in parted.items() if own == folder}
    copy = cache.mirror(remote.below(found.stage, folder), files)
    return {**tokenizer, "root": str(copy.parent), "path": copy.name}
