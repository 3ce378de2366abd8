"""Values of foreign records: paths into them, and types for the columns that a filter names."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

_MOST_NESTED_TEXT = 64 << 10  # of a mapping that stands as text; the metadata of corpora are shorter
_UNFIT = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates, which JSON can write, become U+FFFD."""
    return text if text.isascii() else _UNFIT.sub("\ufffd", text)


def at(record: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none.

    A mapping may stand as text, JSON or Python's own form, as it does in some copies of RedPajama. A name
    with dots in it is tried as it is first.
    """
    value = record
    if isinstance(record, Mapping) and path in record:
        return record[path]
    for name in path.split("."):
        value = as_mapping(value).get(name)
        if value is None:
            return None
    return value


def as_mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, str) or len(value) > _MOST_NESTED_TEXT or not value.lstrip().startswith("{"):
        return {}
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def word(value: Any) -> str:
    """A scalar as trimmed text; empty for what is nested or missing."""
    if value is None or isinstance(value, (Mapping, list, tuple, bool)):
        return ""
    text = clean(str(value)).strip()
    return "" if text.lower() in ("none", "null", "nan") else text


def words(value: Any) -> list[str]:
    """The words of a list, or the one of a scalar, without repeats, sorted."""
    items = value if isinstance(value, (list, tuple)) else [value]
    return sorted({found for item in items if (found := word(item))})


def simple(kind: pa.DataType) -> pa.DataType:
    """The type that a filter sees for a column of `kind`: one that Spark knows."""
    if pa.types.is_boolean(kind):
        return pa.bool_()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_struct(kind) and kind.num_fields:
        return pa.struct([(field.name, simple(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(simple(kind.value_type))
    return pa.string()


def infer(values: Iterable[Any]) -> pa.DataType:
    """The type of a column by a sample. Of several kinds the more telling wins: mapping, list, number, text.

    So a score that is a text in one record is a number still, and that record has none.
    """
    there = [value for value in values if value is not None]
    mappings = [value for value in there if isinstance(value, dict)]
    names = sorted({str(name) for value in mappings for name in value})
    if names:
        return pa.struct([(name, infer(value.get(name) for value in mappings)) for name in names])
    if lists := [value for value in there if isinstance(value, list)]:
        return pa.list_(infer(item for value in lists for item in value))
    if there and all(isinstance(value, bool) for value in there):
        return pa.bool_()
    if any(isinstance(value, (int, float)) and not isinstance(value, bool) for value in there):
        return pa.int64() if all(isinstance(value, int) for value in there) else pa.float64()
    return pa.string()


def coerce(value: Any, kind: pa.DataType) -> Any:  # noqa: PLR0911 - one for each kind
    """`value` as `kind`, None where it is not of it: a filter then does not hold, and the ledger says so."""
    if value is None:
        return None
    if pa.types.is_string(kind):
        return clean(value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False))
    if pa.types.is_struct(kind):
        mapping = as_mapping(value)
        return {field.name: coerce(mapping.get(field.name), field.type) for field in kind}
    if pa.types.is_list(kind):
        return [coerce(item, kind.value_type) for item in value] if isinstance(value, list) else None
    if pa.types.is_boolean(kind):
        return value if isinstance(value, bool) else None
    try:
        number = float(value) if pa.types.is_floating(kind) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if pa.types.is_floating(kind) or -(2**63) <= number < 2**63 else None
