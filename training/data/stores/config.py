"""The keys of shards that lie elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import option


@dataclass(frozen=True, kw_only=True)
class StoreConfig:
    """Shards on s3:// and http(s):// are copied to this machine's disk before they are read."""

    cache: str | None = option(
        "folder of the copies, shared by all ranks of a machine; by default ~/.cache/hephaestus-forge/shards",
        None,
        volatile=True,
    )
    gib: float = option(
        "most that the copies may take; the least recently read go", 64.0, least=0, volatile=True
    )
    ahead: int = option(
        "files of each source that are copied before they are needed", 2, least=0, volatile=True
    )
