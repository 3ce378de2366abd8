"""What lies at a path: finished stages, Parquet, JSON lines, Hugging Face data sets on disk."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError, nearest
from corpus.engine.inputs import InputFile, expand
from corpus.shards.sources import layouts
from corpus.shards.sources.lines import read_json
from corpus.shards.sources.tabular import arrow_schema, parquet_schema
from corpus.shards.sources.values import as_mapping, infer, simple

PARQUET, ARROW, JSON = "parquet", "arrow", "json"
JSON_SUFFIXES = tuple(
    f".{name}{packed}" for name in ("jsonl", "ndjson", "json") for packed in ("", ".gz", ".zst")
)
ALL_SPLITS = "all"
_SUFFIXES = {PARQUET: (".parquet",), ARROW: (".arrow",), JSON: JSON_SUFFIXES}
_STAGE_TABLES = ("pages", "seeds")  # of the stages that hold documents
_SPLIT = re.compile(r"(?:^|-)([A-Za-z_]\w*)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?\.(?:parquet|arrow)$")
_CACHE_SPLIT = re.compile(r"-(train|validation|test)\.arrow$")
_BESIDE = frozenset({"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"})  # no data
_INTERMEDIATE = "cache-"  # results of `map` and `filter` that the cache of data sets holds beside the data
_SAMPLE_FILES, _SAMPLE_RECORDS = 3, 100


@dataclass(frozen=True)
class File:
    """One file; `name` is what the ledger calls it: its path below the one that the config names."""

    path: str
    name: str
    bytes: int


@dataclass(frozen=True)
class Location:
    """One path of a source. `schema` are its columns, by a sample where they are not declared."""

    container: str
    files: tuple[File, ...]
    inputs: tuple[Mapping[str, object], ...]
    schema: pa.Schema
    is_stage: bool = False
    split: str = ""
    sample: tuple[Mapping[str, Any], ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """Dotted names of the columns and what is in them, to tell the layout by."""
        return frozenset(_names(self.schema)) | {name for one in self.sample for name in _inner(one)}


def locate(path: str, split: str = "train") -> Location:
    """What lies at `path`. Raises UserError for a stage folder that is unfinished, not whole or holds no
    documents, for files that cannot be read, and for a data set that has no such split."""
    if storage.is_folder(path) and manifest.is_finished(path):
        return _stage(path)
    if storage.is_folder(path) and storage.exists(storage.join(path, "dataset_dict.json")):
        names = [str(name) for name in _read(path, "dataset_dict.json").get("splits", ())]
        return _dictionary(path, names, split)
    if storage.is_folder(path) and storage.exists(storage.join(path, "state.json")):
        return _files(path, _saved(path), "")
    suffixes = [suffix for found in _SUFFIXES.values() for suffix in found]
    there = [file for file in expand([path], suffixes=suffixes) if not _is_beside(file.path)]
    if not there:
        raise UserError(
            f"{storage.redact(path)} holds only files beside data sets ({_INTERMEDIATE}*, descriptions)."
        )
    return _files(path, *_of_split(path, there, split))


def _stage(path: str) -> Location:
    found = manifest.read(path)
    table = next((name for name in _STAGE_TABLES if name in found.tables), None)
    if table is None or found.stage == "shard":
        raise UserError(f"{path} is a {found.stage} stage, which holds no documents to mix.")
    files = manifest.require_whole(found, table)
    identity = {
        "table": f"{found.stage}/{table}",
        "bytes": sum(file.bytes for file in files),
        "sha256": manifest.hash_of(sorted((file.path, file.sha256) for file in files)),
    }
    listed = tuple(File(storage.join(path, file.path), file.path, file.bytes) for file in files)
    return Location(PARQUET, listed, (identity,), parquet_schema(listed[0].path), is_stage=True)


def _dictionary(path: str, names: Sequence[str], split: str) -> Location:
    """A saved dictionary of data sets: a folder for each split."""
    chosen = names if split == ALL_SPLITS else [split] if split in names else names if len(names) == 1 else []
    if not chosen or any(posixpath.basename(name) != name or name in ("", "..", ".") for name in chosen):
        raise _no_split(path, split, names)
    label = ALL_SPLITS if len(chosen) > 1 else chosen[0]
    return _files(path, [file for name in chosen for file in _saved(storage.join(path, name))], label)


def _saved(folder: str) -> list[InputFile]:
    """The files that `save_to_disk` lists; others in the folder may be left over from an earlier save."""
    state = _read(folder, "state.json")
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise UserError(f"{storage.redact(folder)} is a selection; call flatten_indices() and save it again.")
    names = [
        posixpath.basename(str(as_mapping(one).get("filename", ""))) for one in state.get("_data_files", ())
    ]
    if not names or "" in names:
        raise UserError(f"{storage.redact(folder)}/state.json lists no data files; save the data set again.")
    return expand([storage.join(folder, name) for name in names])


def _read(folder: str, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(storage.read_bytes(storage.join(folder, name)))
    except ValueError as error:
        raise UserError(f"{storage.redact(folder)}/{name} is damaged: {error}.") from error
    return as_mapping(found)


def _files(path: str, found: Sequence[InputFile], split: str) -> Location:
    containers = {container_of(file.path) for file in found}
    if len(containers) > 1:
        names = " and ".join(sorted(containers))
        raise UserError(f"{storage.redact(path)} mixes {names} files; give them as two paths.")
    container = containers.pop()
    root = storage.resolve(path)[1].rstrip("/")
    files = tuple(File(file.path, _name(file.path, root), file.bytes) for file in found)
    schema, sample = _columns(container, files)
    inputs = tuple(file.identity() for file in found)
    return Location(container, files, inputs, schema, split=split, sample=sample)


def container_of(path: str) -> str:
    return next((kind for kind in (PARQUET, ARROW) if path.endswith(_SUFFIXES[kind])), JSON)


def _of_split(path: str, files: Sequence[InputFile], split: str) -> tuple[list[InputFile], str]:
    """The files of the wanted split, where their names tell of several."""
    of_file = {file.path: _split_of(file.path) for file in files}
    names = sorted({name for name in of_file.values() if name})
    if len(names) < 2 or split == ALL_SPLITS:
        return list(files), names[0] if len(names) == 1 else ""
    if split not in names:
        raise _no_split(path, split, names)
    return [file for file in files if of_file[file.path] == split], split


def _split_of(path: str) -> str:
    name = posixpath.basename(path)
    found = _SPLIT.search(name) or _CACHE_SPLIT.search(name)
    return found[1] if found else ""


def _no_split(path: str, split: str, names: Sequence[str]) -> UserError:
    return UserError(f"{storage.redact(path)} has no split '{split}': {nearest(split, [*names, ALL_SPLITS])}")


def _is_beside(path: str) -> bool:
    name = posixpath.basename(path)
    return name in _BESIDE or (name.startswith(_INTERMEDIATE) and name.endswith(".arrow"))


def _name(path: str, root: str) -> str:
    inner = path if storage.is_http(path) else storage.resolve(path)[1]
    return inner[len(root) + 1 :] if root and inner.startswith(root + "/") else posixpath.basename(inner)


def _columns(container: str, files: Sequence[File]) -> tuple[pa.Schema, tuple[Mapping[str, Any], ...]]:
    if container != JSON:
        return (parquet_schema if container == PARQUET else arrow_schema)(files[0].path), ()
    sample = tuple(islice(_sample(files), _SAMPLE_RECORDS * _SAMPLE_FILES))
    names = sorted({name for one in sample for name in one})
    return pa.schema([(name, infer(one.get(name) for one in sample)) for name in names]), sample


def _sample(files: Sequence[File]) -> Iterator[Mapping[str, Any]]:
    """The first objects of the first files that have any."""
    for file in files[:_SAMPLE_FILES]:
        records = islice(read_json(file.path), _SAMPLE_RECORDS)
        yield from (record.value for record in records if record.value is not None)


def _names(schema: Any, prefix: str = "") -> Iterator[str]:
    for field in schema:
        yield prefix + field.name
        if pa.types.is_struct(field.type):
            yield from _names(field.type, f"{prefix}{field.name}.")


def _inner(record: Mapping[str, Any]) -> Iterator[str]:
    """Names inside mappings, also of those that stand as text."""
    for name, value in record.items():
        yield from (f"{name}.{inner}" for inner in as_mapping(value))


def own_columns(location: Location, condition: str) -> pa.Schema:
    """The columns of the source that `condition` names, with the types that a condition sees."""
    named = [
        field
        for field in location.schema
        if re.search(rf"(?<!\w){re.escape(field.name)}(?!\w)", condition, re.IGNORECASE)
    ]
    return pa.schema([(field.name, simple(field.type)) for field in named])


def formats_of(location: Location) -> str:
    """The layout that the fields tell; empty if none."""
    return layouts.STAGE if location.is_stage else layouts.detect(location.fields)
