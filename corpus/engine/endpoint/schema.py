"""JSON out of an answer, and the part of JSON Schema that structured output uses, checked without a library.

A keyword that is not checked here is refused when the schema is made, so that none is silently ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_CHECKED = frozenset(
    {"type", "properties", "required", "additionalProperties", "enum", "minimum", "maximum", "maxLength"}
    | {"minLength", "items", "maxItems", "description"}
)
_THOUGHT = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL)  # what models of reasoning say before they answer
_STARTS = 64  # braces that are tried as the beginning of the object
_MOST = 200_000  # characters of an answer that are looked at


def require_known(schema: Mapping[str, Any]) -> None:
    """Raise ValueError for a keyword that `violations` would not look at."""
    strangers = sorted(set(schema) - _CHECKED)
    if strangers:
        raise ValueError(f"the schema uses '{strangers[0]}', which is not checked")
    for inner in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        require_known(inner)


def violations(value: Any, schema: Mapping[str, Any], where: str = "the answer") -> list[str]:
    """What is wrong with `value`, one sentence each; empty where it fits."""
    return list(_wrong(value, schema, where))


def _wrong(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else list(kind or ())
    if kinds and not any(_is_a(value, name) for name in kinds):
        yield f"{where} must be {' or '.join(kinds)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} must be one of {json.dumps(schema['enum'])}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = schema.get("minimum"), schema.get("maximum")
        if not (low is None or value >= low) or not (high is None or value <= high):  # NaN fails both
            yield f"{where} must lie between {low} and {high}"
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", len(value)):
            yield f"{where} is longer than {schema['maxLength']} characters"
        if len(value) < schema.get("minLength", 0):
            yield f"{where} is shorter than {schema['minLength']} characters"
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{where} has more than {schema['maxItems']} items"
        for number, item in enumerate(value):
            yield from _wrong(item, schema.get("items", {}), f"{where}[{number}]")
    if isinstance(value, dict):
        yield from _wrong_fields(value, schema, where)


def _wrong_fields(value: dict[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    fields = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where} lacks '{name}'"
    for name, inner in value.items():
        if name in fields:
            yield from _wrong(inner, fields[name], f"'{name}'")
        elif schema.get("additionalProperties") is False:
            yield f"{where} has the unknown field '{name[:40]}'"


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def json_in(text: str) -> Any:
    """The JSON object in an answer: all of it, or the first whole one in a fence or between words.

    Raises ValueError where there is none.
    """
    body = _THOUGHT.sub("", text[:_MOST]).strip()
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    starts = [found.start() for found in re.finditer(r"\{", body)][:_STARTS]
    for start in starts:
        try:
            value, _ = decoder.raw_decode(body, start)
        except (ValueError, RecursionError):
            continue
        return value
    raise ValueError("it holds no JSON object")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
