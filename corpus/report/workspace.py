"""A workspace as the report sees it: finished stages, their manifests, and column batches of their tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest

# folder, what the stage does for the corpus; in the order in which data passes
STAGES: tuple[tuple[str, str], ...] = (
    ("seeds", "examples of the wanted data"),
    ("clean_seeds", "seeds without benchmark items, secrets and personal data"),
    ("classifier", "the model that scores pages"),
    ("pages", "pages that the filter kept from the crawl"),
    ("unique", "pages left after deduplication"),
    ("clean", "pages without benchmark items, secrets and personal data"),
    ("matched", "pages near to a seed"),
    ("shards", "training sets"),
)
RUNS = ("stage1", "stage2")  # training runs of the road; others below training/ are found by their logs
# Of a training run: what it logs, and what it exports as the very last.
LOG, EXPORTED = "metrics.jsonl", "export/training_history.json"
BATCH_ROWS = 1 << 15


@dataclass(frozen=True)
class Workspace:
    """`stages` maps folder names to manifests; `states` says of every expected part what was found."""

    folder: str
    stages: Mapping[str, Manifest]
    states: Mapping[str, str]  # finished | unfinished | missing

    @property
    def name(self) -> str:
        return self.folder.rstrip("/").rsplit("/", 1)[-1]

    @property
    def runs(self) -> list[str]:
        """Names of the training runs, those of the road first, missing ones included."""
        lead = "training/"
        return [name.removeprefix(lead) for name in self.states if name.startswith(lead)]

    def has(self, stage: str, table: str = "") -> bool:
        return stage in self.stages and (not table or bool(self.files(stage, table)))

    def files(self, stage: str, table: str) -> list[str]:
        """Committed Parquet files of a table, or of all tables in a folder such as `stage1`; sorted paths."""
        inside = {
            file.path
            for files in self.stages[stage].tables.values()
            for file in files
            if file.path.startswith(f"{table}/") and file.path.endswith(".parquet")
        }
        return [storage.join(self.folder, stage, path) for path in sorted(inside)]

    def path(self, *names: str) -> str:
        return storage.join(self.folder, *names)


def open_workspace(folder: str) -> Workspace:
    """Look at the stages. Raises UserError where there is nothing to report on."""
    if not storage.is_folder(folder):
        raise UserError(
            f"the workspace {storage.redact(folder)} does not exist; give the output= of jobs/forge.py."
        )
    stages, states = {}, {}
    for name, _ in STAGES:
        path = storage.join(folder, name)
        if manifest.is_finished(path):
            stages[name] = manifest.read(path)
            states[name] = "finished"
        else:
            states[name] = "unfinished" if storage.exists(path) else "missing"
    logged = _logged_runs(storage.join(folder, "training"))
    for run in dict.fromkeys((*RUNS, *logged)):
        states[f"training/{run}"] = run_state(storage.join(folder, "training", run))
    if "finished" not in states.values() and not logged:
        raise UserError(
            f"{storage.redact(folder)} holds no finished stage: none of {', '.join(states)} has a result; "
            "run jobs/forge.py first, or give the folder that holds the stages."
        )
    return Workspace(folder, stages, states)


def run_state(folder: str) -> str:
    """Of a training run. One that is at work or was killed has a log, and no export."""
    if storage.exists(storage.join(folder, EXPORTED)):
        return "finished"
    return "unfinished" if storage.exists(folder) else "missing"


def _logged_runs(folder: str) -> list[str]:
    """Names of the folders in `folder` that hold the log of a run, sorted."""
    filesystem, inner = storage.resolve(folder)
    found = filesystem.get_file_info(pafs.FileSelector(inner, allow_not_found=True))
    names = sorted(info.base_name for info in found if info.type == pafs.FileType.Directory)
    return [name for name in names if storage.exists(storage.join(folder, name, LOG))]


def batches(files: list[str], columns: Mapping[str, pc.Expression | str]) -> Iterator[pa.RecordBatch]:
    """Rows of some columns of Parquet files, in file order, a bounded number at a time.

    `columns` maps the names in the batches to a column or to an expression over columns, which is evaluated
    while scanning. Columns that the files do not have come as nulls, so that a thin table is no error.
    """
    if not files:
        return
    filesystem, _ = storage.resolve(files[0])
    data = ds.dataset([storage.resolve(path)[1] for path in files], filesystem=filesystem, format="parquet")
    there = set(data.schema.names)
    chosen = {name: pc.field(want) if isinstance(want, str) else want for name, want in columns.items()}
    absent = [name for name, want in columns.items() if isinstance(want, str) and want not in there]
    # The stubs know column names alone; the scanner also takes expressions.
    present: Any = {name: want for name, want in chosen.items() if name not in absent}
    scanner = data.scanner(
        columns=present, batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1, use_threads=False
    )
    for batch in scanner.to_batches():
        missing = {name: pa.nulls(batch.num_rows) for name in absent}
        by_name = {**dict(zip(batch.schema.names, batch.columns)), **missing}
        yield pa.RecordBatch.from_arrays([by_name[name] for name in columns], names=list(columns))


def read_json(path: str) -> dict[str, Any]:
    """A JSON object; empty where the file is not there. Raises UserError where it is damaged."""
    if not storage.exists(path):
        return {}
    try:
        data = json.loads(storage.read_bytes(path))
    except ValueError as error:
        raise UserError(
            f"{storage.redact(path)} is not valid JSON ({error}); run the stage that writes it again."
        ) from error
    return data if isinstance(data, dict) else {}


def json_lines(path: str) -> Iterator[dict[str, Any]]:
    """Objects of a JSON Lines file, one at a time; the torn last line of a killed run is passed over."""
    with storage.open_input(path) as stream:
        rest = b""
        while block := stream.read(1 << 20):
            *lines, rest = (rest + block).split(b"\n")
            yield from _objects(lines)
        yield from _objects([rest])


def _objects(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            value = json.loads(line) if line.strip() else None
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
