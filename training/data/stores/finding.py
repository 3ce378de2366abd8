"""Which files a shard set has: by its folder here, by the manifest of its stage, by a store's list."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.engine import storage
from corpus.engine.attempts import Access
from corpus.engine.errors import DataError, UserError
from corpus.engine.manifest import MANIFEST, SUCCESS
from training.data.stores import remote

_SIGNS_OF_A_STAGE = (MANIFEST, SUCCESS, "_claim", "ledger")
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class FoundFile:
    """A file before it is opened; `name` is its path below the set."""

    path: str
    name: str
    bytes: int
    sha256: str | None


@dataclass(frozen=True)
class FoundSet:
    """The set `own` of a stage: `manifest` is empty where there is none, `files` by name of the source."""

    root: str
    stage: str
    own: str
    manifest: Mapping[str, Any]
    files: Mapping[str, list[FoundFile]]


def find(folder: str, access: Access) -> FoundSet:
    """The files of a set, sorted. Raises UserError where there is none or it is not whole."""
    root = storage.absolute(folder)
    stage, own = remote.split(root)
    if remote.is_remote(root):
        manifest = remote.read_manifest(stage, access)
        _require_finished(stage, manifest, access)
        listed = listed_in(manifest, stage)
        inside = {path: size for path, (size, _) in listed.items() if path.startswith(f"{own}/")}
        sizes = {path[len(own) + 1 :]: size for path, size in inside.items()}
        sizes = sizes if manifest else remote.list_files(root, access)
        names = {file.partition("/")[0] for file in sizes}
    else:
        if not os.path.isdir(root):
            raise UserError(f"data={folder} is no folder; give a shard set such as WORKSPACE/shards/stage1.")
        manifest = require_whole(Path(root))
        listed = listed_in(manifest, stage)
        names = {name for name in os.listdir(root) if os.path.isdir(f"{root}/{name}")}
        files = (f"{name}/{file}" for name in names for file in os.listdir(f"{root}/{name}"))
        sizes = {file: os.path.getsize(f"{root}/{file}") for file in files}
    found: dict[str, list[FoundFile]] = {n: [] for n in sorted(names) if not n.startswith(("_", "."))}
    for file, size in sorted(sizes.items()):
        source, _, base = file.partition("/")
        if source in found and base.endswith(".parquet") and not base.startswith(("_", ".")):
            digest = listed.get(f"{own}/{file}", (0, None))[1]
            found[source].append(FoundFile(remote.below(root, file), file, size, digest))
    return FoundSet(root, stage, own, manifest, found)


def listed_in(manifest: Mapping[str, Any], stage: str) -> dict[str, tuple[int, str | None]]:
    """Bytes and sha256 of each file that a manifest lists, by path below the stage.

    Raises DataError where a hash is none: hashes become names of files.
    """
    try:
        tables = (manifest.get("tables") or {}).values()
        listed = {str(f["path"]): (int(f["bytes"]), f.get("sha256")) for files in tables for f in files}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{storage.redact(stage)}/{MANIFEST} is damaged ({error}); run the shard job again."
        ) from error
    for path, (_, sha256) in listed.items():
        if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
            raise DataError(f"{storage.redact(stage)}/{MANIFEST} gives {path} a sha256 that is none.")
    return listed


def _require_finished(stage: str, manifest: Mapping[str, Any], access: Access) -> None:
    """`require_whole` for a stage at an address, whose files are compared as they are read."""
    if storage.is_http(stage) and not manifest:
        return  # there are no lists, so nothing of it is read
    there = remote.exists(remote.below(stage, SUCCESS), access)
    signs = (name for name in _SIGNS_OF_A_STAGE[2:] if remote.exists(remote.below(stage, name), access))
    if (manifest and there) or not (manifest or there or any(signs)):
        return
    name = SUCCESS if not there else MANIFEST
    raise UserError(
        f"{storage.redact(stage)} is no finished shard stage: it has no {name}; run the shard job again."
    )


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
        manifest = dict(json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); run the shard job again.") from error
    listed = listed_in(manifest, str(stage))
    if manifest.get("tables") is not None:
        own = {name: size for name, (size, _) in listed.items() if name.startswith(f"{root.name}/")}
        _check_files(root, own)
    return manifest


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
