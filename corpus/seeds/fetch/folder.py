"""The folder of a fetched source: its `SOURCE.yaml`, its checksum, and the memory of first checksums.

The checksum of a source is the sha256 of the lines `sha256  path` of its files, sorted by path, as
`sha256sum` prints them. It is the same whether files came one by one or out of an archive, whose own bytes
hosts make anew from time to time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from corpus.engine import storage
from corpus.seeds.registry import Source
from corpus.seeds.sidecar import SIDECAR

CHECKSUMS = "_checksums.yaml"  # beside the sources; names with an underscore are no input of the seeds job
_CHUNK = 1 << 20


def files_below(folder: Path) -> dict[str, int]:
    """Bytes of the files of a source by path."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SIDECAR)
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in found}


def checksum(folder: Path) -> str:
    lines = []
    for name in files_below(folder):
        digest = hashlib.sha256()
        with open(folder / name, "rb") as stream:
            while piece := stream.read(_CHUNK):
                digest.update(piece)
        lines.append((name, f"{digest.hexdigest()}  {name}\n"))
    return hashlib.sha256("".join(line for _, line in sorted(lines)).encode("utf-8")).hexdigest()


def identity(source: Source) -> dict[str, Any]:
    """What a fetched folder is the result of."""
    return {"location": source.location, "revision": source.revision, "files": list(source.files)}


def write_sidecar(folder: Path, source: Source, sha256: str, files: Mapping[str, int]) -> None:
    data = {
        "source": source.name,
        "address": source.page,
        "licence": source.licence,
        "adapter": source.adapter,
        "kind": source.kind,
        "evaluation": source.evaluation,
        "fetched": {
            **identity(source),
            "sha256": sha256,
            "number": len(files),
            "bytes": sum(files.values()),
        },
    }
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    storage.write_bytes(str(folder / SIDECAR), text.encode("utf-8"))


def fetched(folder: Path, source: Source) -> dict[str, Any] | None:
    """What the sidecar says of an earlier fetch of the same files, if they are all there; else None."""
    said = _mapping(_mapping(folder / SIDECAR).get("fetched"))
    files = files_below(folder) if said else {}
    same = {key: said.get(key) for key in identity(source)} == identity(source)
    whole = said.get("number") == len(files) and said.get("bytes") == sum(files.values())
    return said if said and same and whole else None


def is_untouched(folder: Path) -> bool:
    """Whether a folder holds what a fetch has put there, or less, and may be replaced by one."""
    said = _mapping(_mapping(folder / SIDECAR).get("fetched"))
    if not said.get("sha256"):
        return False
    return len(files_below(folder)) < int(said.get("number", 0)) or checksum(folder) == said["sha256"]


def remembered(output: Path, source: Source) -> str | None:
    """The checksum of the first fetch of this source into `output`; None where it is the first."""
    said = _mapping(_mapping(output / CHECKSUMS).get(source.name))
    same = {key: said.get(key) for key in identity(source)} == identity(source)
    return str(said["sha256"]) if same and said.get("sha256") else None


def remember(output: Path, source: Source, sha256: str) -> None:
    data = {**_mapping(output / CHECKSUMS), source.name: {**identity(source), "sha256": sha256}}
    text = yaml.safe_dump(dict(sorted(data.items())), sort_keys=False)
    storage.write_bytes(str(output / CHECKSUMS), text.encode("utf-8"))


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, Path):
        try:
            value = yaml.safe_load(value.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            return {}
    return dict(value) if isinstance(value, Mapping) else {}
