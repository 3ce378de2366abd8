"""Rows of a table on the terminal, as JSON Lines or as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow.parquet as pq

from corpus.browse.choose import choose
from corpus.browse.config import CSV, JSON, InspectConfig
from corpus.browse.road import Stop, road_of
from corpus.browse.rows import Row
from corpus.browse.terminal import Paper, as_json, one_line, safe, shown
from corpus.browse.where import parse
from corpus.engine import manifest, storage
from corpus.engine.errors import UserError, nearest
from corpus.engine.inputs import expand

# Columns in the order in which people ask for them: what is it, what was decided and why, on what evidence,
# where is it from. The others follow in the table's order; long texts come last.
_FIRST = (
    *("id", "url", "title", "host", "kind", "language"),
    *("outcome", "stage", "reason", "relation", "kept_id", "index", "cluster_id", "cluster_size"),
    *(
        "agent_score",
        "light_score",
        "match_score",
        "match_margin",
        "combined_score",
        "jaccard",
        "containment",
        "overlap",
        "fidelity",
    ),
    *(
        "match_seed_id",
        "match_source",
        "match_kind",
        "match_rank",
        "match_chunk",
        "benchmark",
        "item",
        "part",
    ),
    *("source", "licence", "warc", "offset", "length", "record_id", "fetched_at", "payload_digest", "path"),
)
_LAST = ("text", "input_ids")
_TOGETHER = "quality_"  # columns that are shown in one paragraph


def lines_of(config: InspectConfig, paper: Paper) -> Iterator[str]:
    """The rows that the config asks for, as lines."""
    name, paths = find_table(config)
    schema = _schema(paths)
    columns = _columns(config, schema.names)
    condition = parse(config.where, schema) if config.where else None
    rows = choose(paths, config.rows, config.seed, condition, columns)
    if config.format == JSON:
        yield from (as_json({**_ordered(row.values, columns), **_place(row)}) for row in rows)
    elif config.format == CSV:
        yield from _csv(rows, columns)
    else:
        yield from _text(rows, name, columns, config.characters, paper)


def find_table(config: InspectConfig) -> tuple[str, list[str]]:
    """Name and files of the table. Raises UserError where there is none of that name."""
    if len(config.input) == 1 and storage.is_folder(config.input[0]):
        folder = config.input[0]
        if manifest.is_finished(folder):
            return _of_stage(road_of([folder])[0], config.table)
        stage, _, table = config.table.partition("/")
        if config.table and manifest.is_finished(storage.join(folder, stage)):
            return _of_stage(road_of([storage.join(folder, stage)])[0], table)
        if names := [stop.name for stop in _stops(folder)]:
            known = nearest(stage, names) if stage else f"its stages are {', '.join(names)}."
            raise UserError(
                f"{storage.redact(folder)} is a workspace; give table=STAGE or STAGE/TABLE: {known}"
            )
    paths = [path if not config.table else storage.join(path, config.table) for path in config.input]
    files = [file.path for file in expand(paths, suffixes=(".parquet",))]
    return storage.redact(paths[0]) if paths else "", files


def _stops(folder: str) -> list[Stop]:
    try:
        return road_of([folder])
    except UserError:
        return []


def _of_stage(stop: Stop, table: str) -> tuple[str, list[str]]:
    tables = {name for name in stop.found.tables if stop.paths(name)}
    names = sorted(tables | {name.partition("/")[0] for name in tables})
    name = table or stop.table or (names[0] if names else "")
    if name not in names:
        raise UserError(f"{storage.redact(stop.folder)} has no table '{name}': {nearest(name, names)}")
    return f"{stop.name}/{name}", stop.paths(name)


def _schema(paths: Sequence[str]) -> Any:
    if not paths:
        raise UserError("there are no Parquet files to look at.")
    try:
        with storage.open_input(paths[0]) as stream:
            return pq.read_schema(stream)
    except (OSError, ValueError) as error:  # Arrow's errors of damaged files are ValueErrors
        name = storage.redact(paths[0])
        raise UserError(f"cannot read {name} as Parquet: {storage.reason_of(error)}.") from error


def _columns(config: InspectConfig, names: Sequence[str]) -> list[str]:
    for name in config.columns:
        if name not in names:
            raise UserError(f"columns= names '{name}', which is no column here: {nearest(name, names)}")
    if config.columns:
        return list(config.columns)
    first = [name for name in _FIRST if name in names]
    last = [name for name in _LAST if name in names]
    return [*first, *(name for name in names if name not in {*first, *last}), *last]


def _ordered(values: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    return {name: values.get(name) for name in columns}


def _place(row: Row) -> dict[str, Any]:
    return {"_file": storage.redact(row.path), "_row": row.number}


def _csv(rows: Iterable[Row], columns: Sequence[str]) -> Iterator[str]:
    yield _csv_line(columns)
    for row in rows:
        yield _csv_line([_whole(value) for value in _ordered(row.values, columns).values()])


def _whole(value: Any) -> str:
    """A value for other programs: nothing rounded or cut, control characters written out."""
    if value is None or isinstance(value, (str, float)):
        return safe("" if value is None else str(value))
    return as_json(value).strip('"') if isinstance(value, (list, dict, bytes)) else str(value)


def _csv_line(values: Sequence[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(values)
    return stream.getvalue().removesuffix("\n")


def _text(rows: Iterable[Row], name: str, columns: Sequence[str], most: int, paper: Paper) -> Iterator[str]:
    count = 0
    for row in rows:
        count += 1
        file = one_line(row.path.rpartition("/")[2])
        yield paper.styled(f"-- {name}: row {row.number:,} of {file} ", "bold").ljust(paper.width, "-")
        together = [column for column in columns if column.startswith(_TOGETHER)]
        for column in columns:
            if column not in together:
                yield from paper.entry(column, row.values.get(column), most)
            elif column == together[0]:
                said = (f"{name.removeprefix(_TOGETHER)} {shown(row.values.get(name))}" for name in together)
                yield from paper.entry(_TOGETHER.rstrip("_"), ", ".join(said))
        yield ""
    yield f"{count:,} row{'s' * (count != 1)}" if count else "no row fulfils the condition"
