"""Where documents come from: finished stages, Parquet or JSONL, brought to the columns of a shard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import expand

DOCUMENT_COLUMNS = ("id", "url", "text", "language", "source", "kind", "licence", "agent_score")
JSON_SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".ndjson", ".ndjson.gz")
_STAGE_TABLE = {"seeds": "seeds", "filter": "pages", "dedup": "pages", "match": "pages"}


@dataclass(frozen=True)
class Location:
    """One thing to read: `files` for Spark, `format` parquet or json, `inputs` for the fingerprint."""

    format: str
    files: tuple[str, ...]
    inputs: tuple[Mapping[str, object], ...]


def locate(path: str) -> Location:
    """What lies at `path`. Raises UserError for a stage folder that is unfinished or holds no documents."""
    if storage.is_folder(path) and manifest.is_finished(path):
        found = manifest.read(path)
        table = _STAGE_TABLE.get(found.stage)
        if table is None:
            raise UserError(f"{path} is a {found.stage} stage, which holds no documents to mix.")
        files = found.tables[table]
        identity = {
            "table": f"{found.stage}/{table}",
            "bytes": sum(file.bytes for file in files),
            "sha256": manifest.hash_of(sorted((file.path, file.sha256) for file in files)),
        }
        return Location("parquet", (storage.join(path, table),), (identity,))
    files_there = expand([path], suffixes=(".parquet", *JSON_SUFFIXES))
    formats = {"json" if file.path.endswith(JSON_SUFFIXES) else "parquet" for file in files_there}
    if len(formats) > 1:
        raise UserError(f"{path} mixes Parquet and JSON files; give them as two paths.")
    return Location(
        formats.pop(), tuple(f.path for f in files_there), tuple(f.identity() for f in files_there)
    )
