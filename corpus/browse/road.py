"""The finished stages of a workspace, in the order in which a page meets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.engine import manifest, storage
from corpus.engine.manifest import Manifest

# (stage, table of its records): seeds and pages meet hygiene in two folders
ORDER = (
    ("seeds", "seeds"),
    ("harvest", "seeds"),
    ("hygiene", "seeds"),
    ("classifier", ""),
    ("filter", "pages"),
    ("dedup", "pages"),
    ("hygiene", "pages"),
    ("match", "pages"),
    ("shard", ""),
)


@dataclass(frozen=True)
class Stop:
    """One finished stage; `table` holds its kept records, empty where several tables do, or none."""

    found: Manifest
    table: str

    @property
    def stage(self) -> str:
        return self.found.stage

    @property
    def folder(self) -> str:
        return self.found.folder

    @property
    def name(self) -> str:
        """What the folder is called."""
        return storage.redact(self.folder).rstrip("/").rpartition("/")[2]

    def paths(self, table: str) -> list[str]:
        """The Parquet files of a table, or of all tables below a folder such as `stage1`."""
        inside = [
            file.path
            for name, files in self.found.tables.items()
            if name == table or name.startswith(f"{table}/")
            for file in files
            if file.path.endswith(".parquet")
        ]
        return [storage.join(self.folder, path) for path in sorted(set(inside))]


def road_of(paths: Sequence[str]) -> list[Stop]:
    """The finished stages at or in these folders, in the road's order. UserError for a folder with none."""
    stops = [_stop(manifest.read(folder)) for folder in folders_of(paths)]
    return sorted(stops, key=lambda stop: (_rank(stop), stop.folder))


def _stop(found: Manifest) -> Stop:
    tables = [table for stage, table in ORDER if stage == found.stage and table in found.tables]
    return Stop(found, tables[0] if tables else "")


def _rank(stop: Stop) -> int:
    known = (stop.stage, stop.table)
    return ORDER.index(known) if known in ORDER else len(ORDER)


def folders_of(paths: Sequence[str]) -> list[str]:
    """The finished stages that are meant: a folder itself, or those in a workspace, earlier ones first.

    Raises UserError for a path that holds none.
    """
    found: list[str] = []
    for path in paths:
        inside = [path] if manifest.is_finished(path) else _below(path)
        if not inside:
            manifest.read(path)  # says why that is no finished stage
        found += [folder for folder in inside if folder not in found]
    return found


def _below(path: str) -> list[str]:
    """Finished stages in the folders of a workspace, in the order in which they were finished."""
    root = len(storage.resolve(path)[1].rstrip("/")) + 1
    times = {
        info.path[root:].partition("/")[0]: info.mtime_ns or 0
        for info in storage.list_files(path)
        if info.path[root:].count("/") == 1 and info.base_name == manifest.SUCCESS
    }
    ordered = sorted(times, key=lambda name: (times[name], name))
    return [folder for name in ordered if manifest.is_finished(folder := storage.join(path, name))]
