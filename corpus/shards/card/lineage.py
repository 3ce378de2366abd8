"""The stages that a data set was made from, back to the archives: their configs, inputs and counts.

A stage's config names the folders that it read, and its inputs the hashes of what lay there. A folder counts
as read only if what it holds now has one of these hashes; what is not found is listed by its hash.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest

FILE = "lineage.json"
_LONGEST_PATH = 4096


def gather(config: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """{reads, stages, not_found} for a stage with this config and these inputs.

    Stages come before those that read them. `reads` are the fingerprints of the stages that one has read.
    """
    stages: dict[str, dict[str, Any]] = {}
    lost: list[dict[str, Any]] = []
    reads = _add_all(config, inputs, stages, lost)
    return {"reads": reads, "stages": list(stages.values()), "not_found": lost}


def to_bytes(found: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifest.redacted(found), indent=1, sort_keys=True, default=str) + "\n").encode(
        "utf-8"
    )


def _add_all(
    config: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    stages: dict[str, dict[str, Any]],
    lost: list[dict[str, Any]],
) -> list[str]:
    """Add what lies behind one stage, depth first; returns the fingerprints of what it read itself."""
    wanted = {str(item["sha256"]): item for item in inputs if _is_of_a_stage(item)}
    reads = []
    raw = tuple(str(item["path"]) for item in inputs if "path" in item)
    for folder in dict.fromkeys(_folders(config)):
        if not wanted or any(path.startswith(storage.redact(folder)) for path in raw):
            continue  # nothing more to find; files of no stage, on a store that need not be asked
        found = _finished(folder)
        there = _digests(found) & set(wanted) if found else set()
        if found is None or not there:
            continue
        for digest in there:
            del wanted[digest]
        reads.append(found.fingerprint)
        if found.fingerprint not in stages:
            behind = _add_all(found.config, found.inputs, stages, lost)
            stages[found.fingerprint] = _entry(found, behind)
    lost += [dict(item) for item in wanted.values() if dict(item) not in lost]
    return sorted(set(reads))


def _is_of_a_stage(item: Mapping[str, Any]) -> bool:
    """Whether an input is what a stage has made: a table, or a model such as the classifier."""
    return "sha256" in item and ("table" in item or item.get("path") == "classifier")


def _finished(folder: str) -> Manifest | None:
    try:
        return manifest.read(folder) if manifest.is_finished(folder) else None
    except (UserError, OSError):  # not a path at all, of a store that is not reached, or damaged
        return None


def _folders(value: Any) -> Iterator[str]:
    """All texts in a config that may be paths."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _folders(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _folders(inner)
    elif isinstance(value, str) and _may_be_path(value):
        yield value


def _may_be_path(text: str) -> bool:
    return 0 < len(text) < _LONGEST_PATH and text.isprintable() and not storage.is_http(text)


def _digests(found: Manifest) -> set[str]:
    tables = {
        manifest.hash_of(sorted((file.path, file.sha256) for file in files))
        for files in found.tables.values()
    }
    return {found.digest(), *tables}


def _entry(found: Manifest, reads: Sequence[str]) -> dict[str, Any]:
    tables = {
        name: {
            "files": len(files),
            "rows": sum(file.rows for file in files),
            "bytes": sum(file.bytes for file in files),
            "sha256": manifest.hash_of(sorted((file.path, file.sha256) for file in files)),
        }
        for name, files in found.tables.items()
    }
    counts = {key: value for key, value in found.counts.items() if key != "funnel"}
    return {
        "stage": found.stage,
        "fingerprint": found.fingerprint,
        "folder": storage.redact(found.folder),
        "config": found.config,
        "inputs": found.inputs,
        "counts": counts,
        "versions": found.versions,
        "tables": tables,
        "reads": list(reads),
    }
