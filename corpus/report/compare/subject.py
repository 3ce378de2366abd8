"""What is compared: a workspace, the folder of one stage, or the folder of one training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest
from corpus.report.compare.totals import totals
from corpus.report.config import ReportConfig
from corpus.report.grids import Grid, grid
from corpus.report.measure.numbers import collect
from corpus.report.page import sections
from corpus.report.parts import Section
from corpus.report.plain import finite
from corpus.report.workspace import LOG, Workspace, open_workspace, run_state

RUN = "training/stage1"  # what a training run that stands alone counts as
# Stage -> the folder that the report knows it by; hygiene has two, by the table that it cleaned.
_FOLDERS = {
    **{"seeds": "seeds", "classifier": "classifier", "filter": "pages", "dedup": "unique"},
    **{"match": "matched", "shard": "shards"},
}


@dataclass(frozen=True)
class Alone(Workspace):
    """A workspace of one part, whose files lie in `folder` itself."""

    part: str = ""

    def files(self, stage: str, table: str) -> list[str]:
        root = self.path("")
        inside = super().files(stage, table)
        lead = storage.join(self.folder, stage) + "/"
        return [storage.join(root, path[len(lead) :]) for path in inside]

    def path(self, *names: str) -> str:
        inner = "/".join(names)
        if inner == self.part or inner.startswith(f"{self.part}/"):
            inner = inner[len(self.part) :].lstrip("/")
        return storage.join(self.folder, inner) if inner else self.folder


@dataclass(frozen=True)
class Subject:
    """One side of the comparison. `holds` says in a word or two what it is."""

    name: str
    path: str
    holds: str
    manifests: Mapping[str, Manifest]  # by the folder's name in a workspace
    settings: Mapping[str, Mapping[str, Any]]  # of stages and training runs, by the same names
    stats: dict[str, Any]
    sections: Sequence[Section]


def open_subject(path: str, config: ReportConfig) -> Subject:
    """Measure one side. Raises UserError where there is neither a workspace, a stage nor a run."""
    folder = path.rstrip("/") or "/"
    if manifest.is_finished(folder):
        found = manifest.read(folder)
        part = _folder_of(found)
        if part is None:
            return _of_manifest(folder, found)
        space: Workspace = Alone(folder, {part: found}, {part: "finished"}, part)
        holds = f"the stage {found.stage}"
    elif storage.exists(storage.join(folder, LOG)):
        space, holds = Alone(folder, {}, {RUN: run_state(folder)}, RUN), "a training run"
    else:
        space, holds = open_workspace(folder), "a workspace"
    stats = finite(collect(space, config)) | {"notices": []}
    parts = [totals(stats), *sections(stats)]
    return Subject(space.name, folder, holds, space.stages, _settings(space), stats, parts)


def named_apart(a: Subject, b: Subject) -> tuple[Subject, Subject]:
    """Both sides under names that differ: with as many parents of their folders as it takes."""
    ways = [storage.redact(storage.absolute(side.path)).split("/") for side in (a, b)]
    for depth in range(1, max(len(way) for way in ways) + 1):
        names = ["/".join(way[-depth:]) for way in ways]
        if names[0] != names[1]:
            return replace(a, name=names[0]), replace(b, name=names[1])
    return a, b


def _settings(space: Workspace) -> dict[str, Mapping[str, Any]]:
    """The configs of all stages, and of the training runs as they wrote them down."""
    found: dict[str, Mapping[str, Any]] = {name: one.config for name, one in space.stages.items()}
    for run in space.runs:
        path = space.path("training", run, "config.yaml")
        if not storage.exists(path):
            continue
        try:
            config = yaml.safe_load(storage.read_bytes(path))
        except (yaml.YAMLError, UnicodeDecodeError):
            continue
        if isinstance(config, dict):
            found[f"training/{run}"] = manifest.redacted(config)
    return found


def _folder_of(found: Manifest) -> str | None:
    if found.stage == "hygiene":
        return "clean" if "pages" in found.tables else "seeds"  # so that clean seeds are measured as seeds
    return _FOLDERS.get(found.stage)


def _of_manifest(folder: str, found: Manifest) -> Subject:
    """A stage that the report has no section for: what every manifest says."""
    by_reason = [
        {**entry, "records": entry["rows"], "share": entry["rows"] / max(int(found.counts["records_in"]), 1)}
        for entry in found.counts.get("by_reason", ())
    ]
    reasons = {
        "outcome": ("Outcome", "text"),
        "reason": ("Reason", "text"),
        "records": ("Records", "count"),
        "share": ("Share", "percent"),
    }
    tables = [
        {"table": name, "rows": found.rows(name), "bytes": sum(file.bytes for file in files)}
        for name, files in sorted(found.tables.items())
    ]
    sizes = {"table": ("Table", "text"), "rows": ("Rows", "count"), "bytes": ("Bytes", "size")}
    time = {"stage": ("Stage", "text"), "seconds": ("Time", "duration")}
    grids: list[Grid] = [
        grid("funnel", "Records by outcome and reason", reasons, by_reason),
        grid("tables", "Tables of the stage", sizes, tables),
        grid("timing", "Time", time, [{"stage": found.stage, "seconds": found.seconds}]),
    ]
    name = storage.redact(folder).rpartition("/")[2]
    section = Section("stage", f"The stage {found.stage}", "What its manifest says.", (), grids)
    settings = {found.stage: found.config}
    return Subject(name, folder, f"the stage {found.stage}", {found.stage: found}, settings, {}, [section])


def check(config: ReportConfig) -> None:
    """Raises UserError where a side is not there."""
    for path in config.input:
        if not storage.is_folder(path):
            raise UserError(f"{storage.redact(path)} does not exist; input=A,B names two folders to compare.")
