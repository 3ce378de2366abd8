"""What a finished stage says of itself: inputs, config, fingerprint, versions, counts, files with sha256.

The fingerprint covers what decides the result (stage, config, inputs, code version). Times and machine are
written down but stay out of it, and out of the tables, so that equal inputs give byte-equal tables.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any

from corpus import __version__
from corpus.engine import storage
from corpus.engine.errors import UserError, nearest

MANIFEST, SUCCESS = "manifest.json", "_SUCCESS"
_PACKAGES = (
    *("pyspark", "pyarrow", "numpy", "fastwarc", "resiliparse", "trafilatura", "lxml", "fasttext-community"),
    *("xxhash", "tokenizers", "torch", "transformers", "sentence-transformers"),
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


@dataclass(frozen=True)
class OutputFile:
    """One committed file; `path` is relative to the stage folder."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    stage: str
    fingerprint: str
    config: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    counts: Mapping[str, Any]
    tables: Mapping[str, Sequence[OutputFile]]
    seconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)  # what a stage measures of its own run
    versions: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""

    def rows(self, table: str) -> int:
        return sum(file.rows for file in self.tables[table])

    def digest(self) -> str:
        """A hash of the output's content: what the next stage takes as the identity of its input."""
        files = sorted((f.path, f.sha256) for files in self.tables.values() for f in files)
        return hash_of(files)

    def __str__(self) -> str:
        funnel = self.counts.get("funnel", "")
        return f"{self.stage}: {self.folder} ({self.seconds:.1f} s)\n{funnel}".rstrip()


def hash_of(value: Any) -> str:
    """sha256 of the canonical JSON of `value`."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def fingerprint(stage: str, config: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> str:
    return hash_of({"stage": stage, "config": config, "inputs": list(inputs), "code": __version__})


def versions() -> dict[str, str]:
    """Versions of the code and of the packages that can change a result."""
    found = {"hephaestus-forge": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write(folder: str, manifest: Manifest) -> None:
    """Publish a stage: the manifest, then the marker that says that all before it is there."""
    data = {k: v for k, v in asdict(manifest).items() if k != "folder"}
    text = json.dumps(data, indent=1, sort_keys=True, default=_number_or_text)
    storage.write_bytes(storage.join(folder, MANIFEST), text.encode() + b"\n")
    storage.write_bytes(storage.join(folder, SUCCESS), b"")


def is_finished(folder: str) -> bool:
    return storage.exists(storage.join(folder, SUCCESS)) and storage.exists(storage.join(folder, MANIFEST))


def read(folder: str) -> Manifest:
    """The manifest of a finished stage. Raises UserError where there is none or it cannot be read."""
    if not is_finished(folder):
        name = storage.redact(folder)
        raise UserError(f"{name} is no finished stage: it has no {SUCCESS}; run the stage that makes it.")
    try:
        data = json.loads(storage.read_bytes(storage.join(folder, MANIFEST)))
        data["tables"] = {name: [OutputFile(**f) for f in files] for name, files in data["tables"].items()}
        return Manifest(**data, folder=folder)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        name = storage.redact(storage.join(folder, MANIFEST))
        raise UserError(
            f"{name} is damaged ({error}); remove {storage.redact(folder)} and run the stage again."
        ) from error


def describe_file(folder: str, path: str, rows: int = 0) -> OutputFile:
    """The entry for a file that is no table, such as a model. `path` is relative to `folder`."""
    data = storage.read_bytes(storage.join(folder, path))
    return OutputFile(path, rows, len(data), hashlib.sha256(data).hexdigest())


def require_whole(found: Manifest, table: str) -> Sequence[OutputFile]:
    """The files of one table.

    Raises UserError where there is no such table, or where its folder does not hold the listed files with
    the listed sizes and no others: Spark would read what is there, silently.
    """
    folder = storage.redact(found.folder)
    if table not in found.tables:
        hint = nearest(table, found.tables)
        raise UserError(f"{folder} is a finished {found.stage} stage and has no table '{table}': {hint}")
    root = len(storage.resolve(found.folder)[1].rstrip("/")) + 1
    seen = storage.list_files(storage.join(found.folder, table))
    there = {info.path[root:]: info.size for info in seen if not info.base_name.startswith(("_", "."))}
    listed = {file.path: file.bytes for file in found.tables[table] if file.path.startswith(f"{table}/")}
    wrong = sorted(dict(there.items() ^ listed.items()))
    if wrong:
        raise UserError(
            f"{folder} does not hold what its manifest lists ({wrong[0]} is missing, changed or a stranger); "
            "remove the folder and run the stage again."
        )
    return found.tables[table]


def redacted(value: Any) -> Any:
    """`value` (plain data) with user, password and query taken out of every address in it."""
    if isinstance(value, Mapping):
        return {key: redacted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [redacted(inner) for inner in value]
    return storage.redact(value) if isinstance(value, str) and _ADDRESS.fullmatch(value) else value


def _number_or_text(value: Any) -> Any:
    """What json cannot write itself: numpy's numbers as numbers, all else as text.

    A run of hours must not fail at its last line for the type of a fact.
    """
    return value.item() if hasattr(value, "item") else str(value)


def difference(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The dotted keys in which two configs differ, with both values."""
    out: list[str] = []
    for key in sorted(set(old) | set(new)):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            out += difference(before, after, f"{prefix}{key}.")
        elif before != after:
            out.append(f"{prefix}{key}: {before!r} -> {after!r}")
    return out


def other_inputs(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[str]:
    """The inputs in which two runs differ, each by its path or table."""
    ways = [{hash_of(item): item for item in inputs} for inputs in (old, new)]
    unlike = [ways[0].get(key) or ways[1][key] for key in sorted(ways[0].keys() ^ ways[1].keys())]
    names = {str(item.get("path") or item.get("table") or "of another kind") for item in unlike}
    return [f"another input {name}" for name in sorted(names)]
