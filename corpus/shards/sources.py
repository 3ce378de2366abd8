"""Where documents come from: finished stages, Parquet or JSONL, brought to the columns of a shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import expand

DOCUMENT_COLUMNS = ("id", "url", "text", "language", "source", "kind", "licence", "agent_score")
JSON_SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".ndjson", ".ndjson.gz")
_STAGE_TABLES = {
    **{"seeds": ("seeds",), "filter": ("pages",), "dedup": ("pages",), "match": ("pages",)},
    "hygiene": ("pages", "seeds"),  # it bears the name that its input had
}


@dataclass(frozen=True)
class Location:
    """One thing to read: `files` for Spark, `format` parquet or json, `inputs` for the fingerprint."""

    format: str
    files: tuple[str, ...]
    inputs: tuple[Mapping[str, object], ...]


def locate(path: str) -> Location:
    """What lies at `path`.

    Raises UserError for a stage folder that is unfinished, not whole, or holds no documents, and
    for Parquet that cannot be read or has no text."""
    if storage.is_folder(path) and manifest.is_finished(path):
        found = manifest.read(path)
        names = _STAGE_TABLES.get(found.stage, ())
        table = next((name for name in names if name in found.tables), None)
        if table is None:
            raise UserError(f"{path} is a {found.stage} stage, which holds no documents to mix.")
        files = manifest.require_whole(found, table)
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
    kind = formats.pop()
    if kind == "parquet":
        _check_parquet(files_there[0].path)
    return Location(kind, tuple(f.path for f in files_there), tuple(f.identity() for f in files_there))


def without_text(path: str, columns: Sequence[str]) -> str:
    """The sentence about a file that has no texts."""
    there = f"its columns are {', '.join(columns)}" if columns else "none of its lines is a JSON object"
    return f"{storage.redact(path)} has no column 'text'; {there}."


def _check_parquet(path: str) -> None:
    try:
        with storage.open_input(path) as stream:
            names = pq.read_schema(stream).names  # Spark would answer with a hundred lines
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot read {storage.redact(path)} as Parquet: {error}.") from error
    if "text" not in names:
        raise UserError(without_text(path, names))
