"""`key=value` words of a command line, merged into plain data before any config type is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from corpus.engine.errors import UserError


def with_overrides(data: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """`data` with `a.b=value` words merged in. A key that is given twice becomes a list of its values."""
    merged = _deep_copy(data)
    given: dict[str, list[str]] = {}
    for word in overrides:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise UserError(f"'{word}' is not key=value; see --help for the keys.")
        given.setdefault(key.strip(), []).append(value)
    # Shorter keys first: `a=PATH a.weight=2` and `a.weight=2 a=PATH` then mean the same.
    for key, values in sorted(given.items(), key=lambda item: item[0].count(".")):
        _put(merged, key, values[0] if len(values) == 1 else [item for v in values for item in items(v)])
    return merged


def items(value: Any) -> list[Any]:
    """A list as it is, a YAML flow list, or words parted by commas that stand outside braces and brackets."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if not isinstance(value, str):
        return [value]
    if value.lstrip().startswith("[") and isinstance(parsed := from_yaml(value), list):
        return parsed  # a glob such as [ab]*.gz is no list
    found, depth, start = [], 0, 0
    for at, char in enumerate(value):
        depth += (char in "{[") - (char in "}]")
        if char == "," and depth == 0:
            found.append(value[start:at])
            start = at + 1
    return [item.strip() for item in [*found, value[start:]] if item.strip()]


def from_yaml(value: Any) -> Any:
    """A text as YAML reads it; what is no text, or no YAML, as it is."""
    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        return value


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        inner = data.get(parent)
        if isinstance(inner, str) and inner.lstrip().startswith("{"):
            inner = data[parent] = from_yaml(inner)
        if not isinstance(inner, dict):
            inner = data[parent] = {} if inner is None else {"path": inner}
        data = inner
    data[last] = value


def _deep_copy(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _deep_copy(v) if isinstance(v, Mapping) else v for k, v in data.items()}
