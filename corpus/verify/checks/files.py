"""Checks of the files themselves: the manifest's own fingerprint, names, bytes, schemas, rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from corpus.engine import claim, manifest, storage
from corpus.engine.tables import Table
from corpus.verify.context import Context, declared
from corpus.verify.report import Check, plain, some
from corpus.verify.scan import FileScan

GROUP_BYTES, FILE_BYTES = 1 << 30, 4 << 30  # beyond them readers need more memory than executors have
_OPTIONAL = {"input_ids": "tokenize"}  # columns that a setting leaves out


def fingerprint(context: Context) -> Check:
    found = context.found
    code = found.versions.get("hephaestus-forge")
    if code is None:
        return Check("fingerprint", "", skipped="the manifest does not name the version of its code")
    parts = {"stage": found.stage, "config": found.config, "inputs": list(found.inputs), "code": code}
    made = manifest.hash_of(parts)
    said = f"the fingerprint is that of stage, config, inputs and code {code}"
    if made == found.fingerprint:
        return Check("fingerprint", said)
    wrong = f"the manifest says {found.fingerprint[:16]}..., its stage, config and inputs give {made[:16]}..."
    return Check("fingerprint", said, (wrong,))


def files(context: Context) -> Check:
    folder, scans = context.found.folder, _scans(context)
    listed = {one.file.path for one in scans}
    root = len(storage.resolve(folder)[1].rstrip("/")) + 1
    there = {info.path[root:] for info in storage.list_files(folder)}
    problems = [f"{plain(one.file.path)} is missing" for one in scans if not one.there]
    strange = sorted(there - listed - {manifest.MANIFEST, manifest.SUCCESS})
    hidden = [name for name in strange if any(part.startswith(("_", ".")) for part in name.split("/"))]
    problems += [f"{plain(name)} is not in the manifest" for name in strange if name not in hidden]
    times = Counter(one.file.path for one in scans)
    problems += [f"{plain(name)} is listed twice" for name in sorted(times) if times[name] > 1]
    notes = []
    if claim.is_there(folder):
        notes.append("a run has taken the folder since")
    if hidden := [name for name in hidden if name != claim.CLAIM]:
        notes.append(f"hidden files that no reader sees: {some(hidden)}")
    return Check(
        "files", f"{len(listed):,} files are there, and no others", tuple(problems), notes=tuple(notes)
    )


def sha256(context: Context) -> Check:
    scans = [one for one in _scans(context) if one.there]
    problems = [
        f"{plain(one.file.path)} has changed: sha256 {one.sha256[:16]}..., manifest {one.file.sha256[:16]}..."
        for one in scans
        if one.sha256 != one.file.sha256
    ]
    size = sum(one.size for one in scans)
    return Check("sha256", f"sha256 of {len(scans):,} files, {size:,} bytes", tuple(problems))


def schema(context: Context) -> Check:
    problems: list[str] = []
    unknown, checked = [], 0
    for table, scans in sorted(context.gathered.scans.items()):
        readable = [one for one in scans if one.schema is not None]
        if not readable:
            continue
        declaration = declared(context.found, table)
        if declaration is None:
            unknown.append(table)
            continue
        checked += 1
        for one in readable:
            differences = unlike(one.schema, declaration, context)
            problems += [f"{plain(one.file.path)}: {difference}" for difference in differences]
            if not differences and not one.schema.equals(readable[0].schema):
                problems.append(
                    f"{plain(one.file.path)} has other columns than {plain(readable[0].file.path)}"
                )
    notes = (f"no declaration of {some(unknown)}",) if unknown else ()
    return Check("schema", f"columns of {checked:,} tables are as declared", tuple(problems), notes=notes)


def unlike(there: Any, table: Table, context: Context) -> list[str]:
    """How the columns of a file differ from those of its table."""
    settings = context.found.config
    left_out = {name for name, key in _OPTIONAL.items() if settings.get(key) is False}
    wanted = [field for field in table.schema if field.name not in left_out or field.name in there.names]
    found = [f"column '{field.name}' is missing" for field in wanted if field.name not in there.names]
    for field in wanted:
        if field.name in there.names and there.field(field.name).type != field.type:
            found.append(f"column '{field.name}' is {there.field(field.name).type}, declared is {field.type}")
    names = [field.name for field in wanted]
    extra = [name for name in there.names if name not in names]
    if extra and not table.open:
        found.append(f"{some(extra)} is not declared")
    if not found and there.names[: len(names)] != names:
        found.append(f"the columns are not in the declared order: {some(there.names, 30)}")
    return found


def rows(context: Context) -> Check:
    problems, groups = [], [0]
    for one in _scans(context):
        name = plain(one.file.path)
        if not one.there:
            continue
        if one.error:
            problems.append(f"{name} cannot be read: {one.error}")
        elif one.rows is not None and one.rows != one.file.rows:
            problems.append(f"{name} has {one.rows:,} rows, manifest {one.file.rows:,}")
        if one.size != one.file.bytes:
            problems.append(f"{name} has {one.size:,} bytes, manifest {one.file.bytes:,}")
        problems += _too_large(one)
        groups += [size for _, size in one.groups]
    total = sum(one.rows or 0 for one in _scans(context))
    said = f"{total:,} rows, row groups of up to {max(groups) / 1e6:,.1f} MB before compression"
    return Check("rows", said, tuple(problems))


def _too_large(one: FileScan) -> Iterator[str]:
    """Row groups and files that readers choke on. A single row has no smaller group to be in."""
    large = max((size for count, size in one.groups if count > 1), default=0)
    if large > GROUP_BYTES:
        yield f"{plain(one.file.path)} has a row group of {large:,} bytes; readers hold one at a time"
    if one.size > FILE_BYTES and one.schema is not None:
        yield f"{plain(one.file.path)} has {one.size:,} bytes, more than {FILE_BYTES >> 30} GiB"


def _scans(context: Context) -> list[FileScan]:
    return [one for scans in context.gathered.scans.values() for one in scans]
