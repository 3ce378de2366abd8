"""Calls and tools as the data sets write them: JSON, `[name(key=value)]`, tags around JSON."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.shards.conversations.schema import call, function
from corpus.shards.sources.values import word

_HERMES = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.S)
_HEAD = re.compile(r"\s*([^()\[\]=]+?)\s*\(")
_KEY = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*=")
_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}


def loads(text: Any) -> Any:
    """The value of JSON text; what is no text is taken as it is. ValueError where the text is no JSON."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def from_objects(value: Any) -> list[dict[str, Any]]:
    """Calls from {"name", "arguments"}, a list of such, or OpenAI's {"id", "function": {...}}."""
    made = []
    for one in value if isinstance(value, list) else [value]:
        inner = (
            one.get("function")
            if isinstance(one, Mapping) and isinstance(one.get("function"), Mapping)
            else one
        )
        if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
            raise ValueError("no call")
        arguments = inner.get("arguments", inner.get("parameters"))
        own = word(one.get("id")) if isinstance(one, Mapping) else ""
        made.append(call(inner["name"], {} if arguments is None else arguments, own))
    return made


def from_tags(text: str) -> tuple[str, list[dict[str, Any]]]:
    """What stands beside `<tool_call>{...}</tool_call>`, and the calls; raises ValueError for broken JSON."""
    calls = [made for found in _HERMES.findall(text) for made in from_objects(loads(found))]
    return _HERMES.sub("", text).strip(), calls


def from_brackets(text: str) -> list[dict[str, Any]]:
    """The calls in `[name(key=value, ...), ...]`, where names may hold spaces. ValueError for others."""
    body = text.strip()
    if not (body.startswith("[") and body.endswith("]")):
        raise ValueError("no list of calls")
    at, made = 1, []
    while body[at:-1].strip():
        head = _HEAD.match(body, at)
        if not head:
            raise ValueError("no call")
        parts, end = _until_close(body, head.end())
        made.append(call(head[1].strip(), dict(_argument(part) for part in parts if part.strip())))
        rest = body[end:].lstrip()
        at = len(body) - len(rest) + (1 if rest.startswith(",") else 0)
        if not rest.startswith((",", "]")):
            raise ValueError("no call")
    if not made:
        raise ValueError("no call")
    return made


def _until_close(text: str, at: int) -> tuple[list[str], int]:
    """The arguments from `at` to the closing parenthesis, and the place behind it."""
    parts: list[str] = []
    begin, depth, quote = at, 0, ""
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([{":
            depth += 1
        elif char == ")" and depth == 0:
            return [*parts, text[begin:at]], at + 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    raise ValueError("the call does not end")


def _argument(text: str) -> tuple[str, Any]:
    key = _KEY.match(text)
    if not key:
        raise ValueError("an argument has no name")
    value = text[key.end() :].strip()
    for read in (json.loads, ast.literal_eval):
        try:
            return key[1], read(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    raise ValueError("an argument is no value")


def tools_of(value: Any) -> tuple[dict[str, Any], ...]:
    """Tools from JSON text or a list, of the forms in use, as {"type": "function", "function": {...}}.

    ValueError where one has no name, or the text is no JSON.
    """
    found = loads(value) if value not in (None, "") else []
    items = found if isinstance(found, list) else [found]
    return tuple(_tool(one) for one in items)


def _tool(value: Any) -> dict[str, Any]:
    inner = value.get("function", value) if isinstance(value, Mapping) else value
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str) or not inner["name"].strip():
        raise ValueError("a tool has no name")
    return function(inner["name"], word(inner.get("description")), _parameters(inner))


def _parameters(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema; a flat mapping from names to descriptions (xLAM) becomes the properties of one."""
    given = tool.get("parameters") or tool.get("input_schema") or {}
    if not isinstance(given, Mapping):
        return {"type": "object", "properties": {}}
    if isinstance(given.get("properties"), Mapping) or isinstance(given.get("type"), str):
        return dict(_schema_types(given))
    required = [key for key, one in given.items() if isinstance(one, Mapping) and not _is_optional(one)]
    properties = {str(key): _schema_types(one) for key, one in given.items()}
    return {"type": "object", "properties": properties, "required": required}


def _is_optional(parameter: Mapping[str, Any]) -> bool:
    return (
        "default" in parameter
        or "optional" in str(parameter.get("type", ""))
        or parameter.get("required") is False
    )


def _schema_types(value: Any, depth: int = 0) -> Any:
    """Python's names of types as those of JSON schema, at any depth that people write by hand."""
    if not isinstance(value, Mapping) or depth > 20:
        return value
    made: dict[str, Any] = {}
    for key, one in value.items():
        if key == "type" and isinstance(one, str):
            plain = one.split(",")[0].strip()
            made[key] = _TYPES.get(plain, plain)
        else:
            made[str(key)] = _schema_types(one, depth + 1)
    return made


def objects_in(text: str) -> Iterator[Any]:
    """The JSON objects and lists in a text, each with where it begins and ends: (value, begin, end)."""
    decoder, at = json.JSONDecoder(), 0
    for _ in range(1000):  # a text full of braces that open nothing must end, too
        found = re.compile(r"[\[{]").search(text, at)
        if not found:
            return
        try:
            value, end = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            at = found.end()
            continue
        yield value, found.start(), end
        at = end
