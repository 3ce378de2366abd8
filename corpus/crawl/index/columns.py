"""The Parquet files of an index, and the columns that a filter may name.

The names are those of Common Crawl's index table (url, url_host_name, url_host_registered_domain, url_path,
fetch_status, content_mime_detected, content_languages, content_digest, warc_filename, warc_record_offset,
warc_record_length, ...); `index_columns` maps them to others. Folders such as `crawl=CC-MAIN-2024-22` and
`subset=warc` are columns too.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from corpus.crawl.inputs.fetch import open_seekable
from corpus.engine import storage
from corpus.engine.attempts import ACCESS, Access
from corpus.engine.errors import UserError, nearest

PLACE = ("warc_filename", "warc_record_offset", "warc_record_length", "url")
DIGEST, SUBSET = "content_digest", "subset"
_BATCH = 64 << 10  # rows; of the few narrow columns that are read
_WORD = re.compile(r"\w+")
_FOLDER = re.compile(r"/([A-Za-z_]\w*)=([^/]*)(?=/)")
_TIME = pa.timestamp("us", tz="UTC")
# a comparison that SQL and Arrow understand alike: no escapes, no doubled quotes
_LITERAL = r"(?:'[^'\\]*'(?!\s*')|-?\d{1,18}(?![\w.]))"
_EQUAL = re.compile(rf"\(*\s*`?(\w+)`?\s*=\s*({_LITERAL})\s*\)*", re.IGNORECASE)
_IN = re.compile(rf"\(*\s*`?(\w+)`?\s+in\s*\(\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)\s*\)\s*\)*", re.IGNORECASE)


def read_schema(path: str, mapping: Mapping[str, str]) -> pa.Schema:
    """The columns of an index file under the names of Common Crawl, those of its folders among them.

    Columns whose type SQL does not get from Arrow are left out. UserError where it is no index.
    """
    try:
        with open_seekable(path) as file:
            there = pq.read_schema(pa.PythonFile(file, mode="r"))
    except (OSError, pa.ArrowException) as error:
        name = storage.redact(path)
        raise UserError(f"cannot read the index {name}: {storage.reason_of(error)}.") from error
    names = {old: new for new, old in mapping.items()}
    found = {names.get(field.name, field.name): plain(field.type) for field in there}
    found.update({name: pa.string() for name in folders_of(path)})
    schema = pa.schema({name: kind for name, kind in found.items() if kind is not None})
    for name in PLACE:
        if name not in schema.names:
            hint = nearest(mapping.get(name, name), [field.name for field in there])
            raise UserError(
                f"the index {storage.redact(path)} has no column '{mapping.get(name, name)}': {hint} "
                f"index_columns.{name}=NAME maps another name."
            )
    return schema


def plain(kind: pa.DataType) -> pa.DataType | None:
    """The type that a column comes in, whatever its files hold: one for text, one for whole numbers."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return _TIME
    return (
        kind if pa.types.is_boolean(kind) or pa.types.is_floating(kind) or pa.types.is_date32(kind) else None
    )


def folders_of(path: str) -> dict[str, str]:
    """`name=value` folders on the way to a file."""
    return dict(_FOLDER.findall(storage.redact(path)))


def needed(schema: pa.Schema, where: str) -> pa.Schema:
    """The columns that a filter may look at (those whose name stands somewhere in it), and the place's."""
    own = {*PLACE, DIGEST}
    return pa.schema([field for field in schema if field.name in own or field.name.lower() in where.lower()])


def read_batches(
    path: str, schema: pa.Schema, mapping: Mapping[str, str], where: str, access: Access = ACCESS
) -> Iterator[pa.RecordBatch]:
    """The rows of an index file that may satisfy `where`; a column that this file lacks is null."""
    with open_seekable(path, access=access) as file:
        parquet = ds.ParquetFileFormat()
        fragment = parquet.make_fragment(pa.PythonFile(file, mode="r"))
        there = {name.lower(): name for name in fragment.physical_schema.names}
        columns = {}
        for name in schema.names:
            stored = mapping.get(name, name)
            if stored.lower() in there and name not in folders_of(path):
                columns[name] = there[stored.lower()]
        test = bound(where, columns, fragment.physical_schema)
        reader = fragment.scanner(
            columns=sorted(set(columns.values())), filter=test, batch_size=_BATCH, use_threads=False
        )
        for batch in reader.to_batches():
            yield _shaped(batch, schema, columns, folders_of(path))


def _shaped(
    batch: pa.RecordBatch, schema: pa.Schema, columns: Mapping[str, str], folders: Mapping[str, str]
) -> pa.RecordBatch:
    arrays: list[pa.Array] = []
    for field in schema:
        if field.name in columns:
            column = batch.column(columns[field.name])
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            arrays.append(column.cast(field.type, safe=False))
        else:
            value = pa.scalar(folders.get(field.name), field.type)
            arrays.append(pa.repeat(value, batch.num_rows))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def bound(where: str, columns: Mapping[str, str], stored: pa.Schema) -> Any:
    """What of `where` Arrow can test while it reads, so that row groups of other hosts are never fetched.

    Only comparisons of a column with literals (`=`, `IN`) that stand beside others under AND: `where` cannot
    be true where one of them is not. SQL evaluates the whole of it on what comes through.
    None where there is no such comparison.
    """
    lower = {name.lower(): column for name, column in columns.items()}
    test: Any = None
    for part in conjuncts(where):
        found = _EQUAL.fullmatch(part) or _IN.fullmatch(part)
        if found is None or found[1].lower() not in lower:
            continue
        field = stored.field(lower[found[1].lower()])
        values = [_value(literal) for literal in re.findall(_LITERAL, found[2])]
        kinds = {type(value) for value in values}
        fits = {str: plain(field.type) == pa.string(), int: plain(field.type) == pa.int64()}
        if len(kinds) == 1 and fits[kinds.pop()] and part.count("(") == part.count(")"):
            # row groups are passed over by their statistics for `==`, not for `isin`
            one = reduce(operator.or_, [ds.field(field.name) == value for value in values])
            test = one if test is None else test & one
    return test


def _value(literal: str) -> str | int:
    return literal[1:-1] if literal.startswith("'") else int(literal)


def conjuncts(where: str) -> list[str]:
    """The parts of a filter between the ANDs that stand outside parentheses and quotes.

    Empty where it is not plainly an AND of parts: an OR outside parentheses, BETWEEN, CASE, comments,
    parentheses that do not match.
    """
    parts, start, depth, at = [], 0, 0, 0
    while at < len(where):
        char = where[at]
        if char in "'\"`":
            close = where.find(char, at + 1)
            if close < 0 or "\\" in where[at:close]:
                return []
            at = close
        elif where.startswith(("--", "/*"), at):
            return []
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth < 0:
                return []
        elif depth == 0 and (word := _WORD.match(where, at)):
            if word[0].lower() in ("or", "between", "case", "not"):
                return []
            if word[0].lower() == "and":
                parts.append(where[start:at].strip())
                start = word.end()
            at = word.end() - 1
        at += 1
    return [] if depth else [*parts, where[start:].strip()]


def paths_of_subset(paths: Sequence[str], where: str) -> list[str]:
    """The files of the subset `warc`, where the folders part the index by subset and `where` asks for none:
    the others hold redirects, errors and robots.txt."""
    if SUBSET in {word.lower() for word in _WORD.findall(where)}:
        return list(paths)
    chosen = [path for path in paths if folders_of(path).get(SUBSET, "warc") == "warc"]
    return chosen or list(paths)
