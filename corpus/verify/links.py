"""The inputs that a manifest names, looked for where its config says, or beside the stage's folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.engine import manifest, storage
from corpus.engine.errors import ForgeError
from corpus.engine.manifest import Manifest

SAME, CHANGED, UNREACHED, FILE = "same", "changed", "unreached", "file"
_CLASSIFIER, _SEEDS = "classifier", ("clean_seeds", "seeds")  # folders of a road's workspace
_DEEPEST = 4  # names at the end of a path that are looked for beside a stage that was moved


@dataclass(frozen=True)
class Link:
    """One input of a stage: `table` of the stage in `folder`, or the file `path`.

    `state` is same (found as the manifest knows it), changed (`problem` says how) or unreached.
    """

    entry: Mapping[str, Any]
    state: str
    folder: str = ""
    table: str = ""
    path: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        return str(
            self.entry.get("table") or self.entry.get("path") or self.entry.get("encoder") or "an input"
        )

    @property
    def source(self) -> str:
        return str(self.entry.get("as", ""))

    @property
    def is_index(self) -> bool:
        """Whether pages were compared with it: none of its rows came in."""
        return bool(self.entry.get("index"))


def links_of(found: Manifest) -> list[Link]:
    """All inputs of a stage, in the manifest's order."""
    stages = list(_stages(found))
    return [_link(found, entry, stages) for entry in found.inputs]


def record_links(found: Manifest, links: Sequence[Link]) -> list[Link]:
    """The inputs whose rows are the records of the ledger; not what they were compared with."""
    inputs = [link for link in links if not link.is_index]
    if found.stage == "match":
        return [link for link in inputs if str(link.entry.get("table", "")).endswith("/pages")]
    if found.stage == "shard":
        return [link for link in inputs if link.source]
    if found.stage == "hygiene":
        beside = tuple(str(path) for path in found.config.get("benchmarks", ())) or ("\0",)
        return [link for link in inputs if not str(link.entry.get("path", "")).startswith(beside)]
    return inputs


def _link(found: Manifest, entry: Mapping[str, Any], stages: list[Manifest]) -> Link:
    if "table" in entry:
        return _stage_link(entry, stages)
    if entry.get("path") == _CLASSIFIER and "sha256" in entry:
        return _classifier_link(entry, stages)
    if "path" in entry:
        return _file_link(found, entry)
    return Link(entry, UNREACHED)


def _stage_link(entry: Mapping[str, Any], stages: list[Manifest]) -> Link:
    stage, _, table = str(entry["table"]).partition("/")
    there = [other for other in stages if other.stage == stage and table in other.tables]
    for other in there:
        if _digest(other, table) == entry.get("sha256"):
            return _present(Link(entry, SAME, other.folder, table), other)
    if not there:
        return Link(entry, UNREACHED)
    folders = " and ".join(storage.redact(other.folder) for other in there)
    said = f"{entry['table']} was made again since: {folders} has other files than those that came in"
    return Link(entry, CHANGED, there[0].folder, table, problem=said)


def _present(link: Link, other: Manifest) -> Link:
    try:
        manifest.require_whole(other, link.table)
    except ForgeError as error:
        return Link(link.entry, CHANGED, link.folder, link.table, problem=str(error))
    return link


def _digest(found: Manifest, table: str) -> str:
    return manifest.hash_of(sorted((file.path, file.sha256) for file in found.tables[table]))


def _classifier_link(entry: Mapping[str, Any], stages: list[Manifest]) -> Link:
    there = [other for other in stages if other.stage == "classifier"]
    for other in there:
        if other.digest() == entry["sha256"]:
            return Link(entry, SAME, other.folder)
    if not there:
        return Link(entry, UNREACHED)
    said = f"the classifier was trained again since: {storage.redact(there[0].folder)} has other files"
    return Link(entry, CHANGED, there[0].folder, problem=said)


def _file_link(found: Manifest, entry: Mapping[str, Any]) -> Link:
    """A file, by its hash where the manifest has one, else by its size: time stamps change as files move."""
    path = rebased(str(entry["path"]), found.folder)
    if not path or storage.is_folder(path):
        return Link(entry, UNREACHED)
    filesystem, inner = storage.resolve(path)
    size, wanted = filesystem.get_file_info(inner).size, int(entry.get("bytes", -1))
    if wanted >= 0 and size != wanted:
        said = f"{storage.redact(path)} has {size:,} bytes, and had {wanted:,} when it came in"
        return Link(entry, CHANGED, path=path, problem=said)
    digest = entry.get("sha256")
    if digest and hashlib.sha256(storage.read_bytes(path)).hexdigest() != digest:
        said = f"{storage.redact(path)} has changed since it came in"
        return Link(entry, CHANGED, path=path, problem=said)
    return Link(entry, SAME, path=path)


def _stages(found: Manifest) -> Iterator[Manifest]:
    """The finished stages that the config names, each once, and where the road puts a classifier.

    Its folder decides nothing beside its content, and so does not stand in the config. Nor do the seeds that
    it learnt from; of folders that are only guessed, those that hold what came in are taken.
    """
    seen: set[str] = set()
    for text in (*_texts(found.config), _CLASSIFIER, *_SEEDS):
        folder = rebased(text, found.folder)
        if folder and folder not in seen:
            seen.add(folder)
            other = _read(folder)
            if other and (text not in _SEEDS or _came_in(found, other)):
                yield other


def _came_in(found: Manifest, other: Manifest) -> bool:
    known = {entry.get("sha256") for entry in found.inputs}
    return any(_digest(other, table) in known for table in other.tables)


def _read(folder: str) -> Manifest | None:
    try:
        return manifest.read(folder) if manifest.is_finished(folder) else None
    except (ForgeError, OSError):
        return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


def rebased(path: str, folder: str) -> str:
    """Where a path of a config lies now: as it stands, else beside the stage's folder; empty where nowhere.

    A workspace that was moved or copied is so checked against itself. Addresses on the web are not asked for.
    """
    if not path or "\n" in path or storage.is_http(path):
        return ""
    if "://" in path:
        return path if _there(path) else ""
    if os.path.isabs(path) and _there(path):
        return path
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    above = (
        os.path.dirname(folder.rstrip("/")) if "://" not in folder else folder.rstrip("/").rpartition("/")[0]
    )
    for count in range(1, min(len(parts), _DEEPEST) + 1):
        candidate = storage.join(above, *parts[-count:])
        if _there(candidate):
            return candidate
    return path if not os.path.isabs(path) and _there(path) else ""


def _there(path: str) -> bool:
    try:
        return storage.exists(path)
    except (ForgeError, OSError):
        return False
