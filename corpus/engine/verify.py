"""Check a finished stage folder against its own manifest: one line per check, from the files alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from corpus.engine import manifest, storage
from corpus.engine.config import option
from corpus.engine.errors import DataError, UserError
from corpus.engine.ledger import Count, total
from corpus.engine.manifest import Manifest, OutputFile

_CHUNK = 4 << 20


@dataclass(frozen=True, kw_only=True)
class VerifyConfig:
    """Check finished stages."""

    input: tuple[str, ...] = option("finished stage folders")


@dataclass(frozen=True)
class Check:
    name: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"  {'ok    ' if not self.problems else 'FAILED'}  {self.name}" + "".join(
            f"\n          {p}" for p in self.problems
        )


def run(config: VerifyConfig) -> str:
    """Verify every folder. Raises DataError (after printing) if a check fails, UserError if unfinished."""
    if not config.input:
        raise UserError("nothing to verify: give input=FOLDER.")
    failed = 0
    for folder in config.input:
        checks = list(verify(folder))
        failed += sum(bool(check.problems) for check in checks)
        print("\n".join([folder, *map(str, checks)]), flush=True)
    if failed:
        raise DataError(f"{failed} checks failed; the lines above name the files. Make the stage again.")
    return f"{len(config.input)} folders verified"


def verify(folder: str) -> Iterator[Check]:
    """The checks in order of cost; later ones read what the earlier ones found whole."""
    found = manifest.read(folder)
    files = [file for table in found.tables.values() for file in table]
    yield Check("every listed file is there, and no other", tuple(_missing_and_strange(folder, files)))
    yield Check("sha256 of every file", tuple(_changed(folder, files)))
    yield Check("rows of every table", tuple(_row_counts(folder, files)))
    yield Check("records in = kept + dropped + failed", tuple(_counts(folder, found)))
    yield Check("ids are unique", tuple(_repeated_ids(folder, found)))


def _inner(folder: str) -> str:
    return storage.resolve(folder)[1]


def _missing_and_strange(folder: str, files: list[OutputFile]) -> Iterator[str]:
    there = {info.path[len(_inner(folder)) :].lstrip("/") for info in storage.list_files(folder)}
    listed = {file.path for file in files}
    yield from (f"{name} is missing" for name in sorted(listed - there))
    strange = sorted(there - listed - {manifest.MANIFEST})
    seen = (name for name in strange if not name.startswith("_") and f"/{storage.TEMPORARY}" not in name)
    yield from (f"{name} is not in the manifest" for name in seen)


def _changed(folder: str, files: list[OutputFile]) -> Iterator[str]:
    for file in files:
        path = storage.join(folder, file.path)
        if not storage.exists(path):
            continue
        digest = hashlib.sha256()
        with storage.open_input(path) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != file.sha256:
            found = digest.hexdigest()
            yield f"{file.path} has changed: sha256 {found[:16]}..., manifest {file.sha256[:16]}..."


def _row_counts(folder: str, files: list[OutputFile]) -> Iterator[str]:
    for file in _parquet(folder, files):
        try:
            with storage.open_input(storage.join(folder, file.path)) as stream:
                rows = pq.ParquetFile(stream).metadata.num_rows
        except Exception as error:  # a damaged footer surfaces as several kinds of error
            yield f"{file.path} cannot be read: {str(error).splitlines()[0]}"
            continue
        if rows != file.rows:
            yield f"{file.path} has {rows:,} rows, manifest {file.rows:,}"


def _counts(folder: str, found: Manifest) -> Iterator[str]:
    tally: dict[tuple[str, str], int] = {}
    for values in _columns(folder, found, "ledger", ["outcome", "reason"]):
        for outcome, reason in zip(*values):
            key = (outcome or "", reason or "")
            tally[key] = tally.get(key, 0) + 1
    counted = sorted(Count(outcome, reason, rows) for (outcome, reason), rows in tally.items())
    stated = sorted(Count(**row) for row in found.counts["by_reason"])
    if counted != stated:
        unlike = sorted(set(counted) ^ set(stated))
        yield f"the ledger's rows by reason are not those of the manifest: {unlike}"
    if total(counted) != found.counts["records_in"]:
        yield f"{found.counts['records_in']:,} records came in, the ledger has {total(counted):,} rows"


def _repeated_ids(folder: str, found: Manifest) -> Iterator[str]:
    for table in sorted(found.tables):
        if table in ("ledger", "files", "scores", "contamination") or not list(
            _parquet(folder, list(found.tables[table]))
        ):
            continue
        ids = [i for values in _columns(folder, found, table, ["id"]) for i in values[0]]
        if len(set(ids)) != len(ids):
            yield f"{table}: {len(ids) - len(set(ids)):,} ids occur more than once"


def _columns(folder: str, found: Manifest, table: str, names: list[str]) -> Iterator[list[list[Any]]]:
    for file in _parquet(folder, list(found.tables.get(table, ()))):
        with storage.open_input(storage.join(folder, file.path)) as stream:
            parquet = pq.ParquetFile(stream)
            if set(names) <= set(parquet.schema_arrow.names):
                for batch in parquet.iter_batches(columns=names):
                    yield [batch.column(name).to_pylist() for name in names]


def _parquet(folder: str, files: list[OutputFile]) -> Iterator[OutputFile]:
    return (f for f in files if f.path.endswith(".parquet") and storage.exists(storage.join(folder, f.path)))
