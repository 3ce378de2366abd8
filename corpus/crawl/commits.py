"""What is recorded of a finished archive, so that the same command again goes on behind it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from corpus.crawl.inputs.sources import Archive
from corpus.crawl.steps import Meter
from corpus.engine import storage
from corpus.engine.manifest import OutputFile

COMMITS = "_inputs"


@dataclass(frozen=True)
class SlowPage:
    """A page that took long: CPU seconds, or the limit that it ran into."""

    seconds: float
    id: str
    url: str


@dataclass(frozen=True)
class Measured:
    """What an archive cost. None of it is data: two runs differ in it.

    `seconds` is wall time, `read` and the meters CPU time; `memory_mb` the largest resident sets of the
    worker and of its child so far.
    """

    seconds: float
    read: float
    meters: dict[str, Meter]
    slowest: list[SlowPage]
    children: int
    memory_mb: list[int]


@dataclass(frozen=True)
class Commit:
    """What is known of a finished archive."""

    fingerprint: str
    name: str
    path: str
    bytes: int
    etag: str
    records: int
    responses: int
    counts: dict[str, int]  # by outcome
    damaged: list[dict[str, Any]]
    pages: OutputFile
    ledger: OutputFile
    measured: Measured


@dataclass(frozen=True)
class Failure:
    """An archive that could not be read; nothing is committed for it.

    `where` chooses its rows in the index that it comes from; empty for whole archives. `fault` is the
    traceback of an error that is not the archive's: of the program, or of the store of the output.
    """

    name: str
    path: str
    bytes: int
    sentence: str
    where: str = ""
    fault: str = ""


def write_plan(folder: str, archives: Sequence[Archive]) -> None:
    """How much there is to do, for whoever watches the run; it is removed with the commits at the end."""
    plan = {"archives": len(archives), "bytes": sum(max(archive.file.bytes, 0) for archive in archives)}
    path = storage.join(folder, COMMITS, "plan.json")
    storage.write_bytes(path, json.dumps(plan, sort_keys=True).encode())


def failure_of(archive: Archive, sentence: str, fault: str = "") -> Failure:
    path, where = storage.redact(archive.file.path), ""
    if archive.selection:
        first, last = (name.replace("'", "''") for name in (archive.selection.first, archive.selection.last))
        where = f"warc_filename BETWEEN '{first}' AND '{last}'"
    return Failure(archive.name, path, archive.file.bytes, sentence, where, fault)


def key_of(name: str) -> str:
    """What an archive's output files are called by: it follows from the archive's own name alone."""
    return hashlib.sha256(name.encode("utf-8")).hexdigest()[:16]


def commit_path(folder: str, name: str) -> str:
    return storage.join(folder, COMMITS, f"{key_of(name)}.json")


def write_commit(folder: str, commit: Commit) -> None:
    data = json.dumps(asdict(commit), sort_keys=True, indent=1).encode() + b"\n"
    storage.write_bytes(commit_path(folder, commit.name), data)


def read_commit(folder: str, archive: Archive, fingerprint: str) -> Commit | None:
    """The commit record of an archive; None if there is none that fits, or its files are not whole."""
    path = commit_path(folder, archive.name)
    if not storage.exists(path):
        return None
    try:
        commit = _from_json(json.loads(storage.read_bytes(path)))
    except (ValueError, TypeError, KeyError):
        return None
    same = (commit.fingerprint, commit.name, commit.bytes, commit.etag)
    if same != (fingerprint, archive.name, archive.file.bytes, archive.file.etag):
        return None
    whole = all(_size(storage.join(folder, f.path)) == f.bytes for f in (commit.pages, commit.ledger))
    return commit if whole else None


def _from_json(data: dict[str, Any]) -> Commit:
    told = data["measured"]
    meters = {name: Meter(**meter) for name, meter in told["meters"].items()}
    slowest = [SlowPage(**page) for page in told["slowest"]]
    measured = Measured(**{**told, "meters": meters, "slowest": slowest})
    files = {name: OutputFile(**data[name]) for name in ("pages", "ledger")}
    return Commit(**{**data, **files, "measured": measured})


def _size(path: str) -> int:
    filesystem, inner = storage.resolve(path)
    info = filesystem.get_file_info(inner)
    return int(info.size) if info.is_file else -1
