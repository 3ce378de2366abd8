"""Descriptions of tools and functions in the many JSON forms of function-calling data, to one `Tool`.

Known forms: OpenAI's (`type: function`), JSON schema (`parameters.properties`), a mapping of parameter names
(xLAM), `input_parameters` (API-Bank), lists of arguments (NexusRaven), RapidAPI's of ToolBench.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.records import mapping, sequence, words
from corpus.seeds.render import Parameter, Tool

MOST_TRIED = 100  # places of a text at which a JSON value is looked for
_MOST_PROMPT, _MOST_LITERAL, _MOST_DEPTH = 1_000_000, 100_000, 60
_START = re.compile(r"[{\[](?=\s*[\"'{\[])")
_SCHEMAS = ("parameters", "input_parameters", "inputSchema", "input_schema", "arguments", "args")
_LISTS = ("args_dicts", "required_parameters", "optional_parameters")
_DECODER = json.JSONDecoder()


def decoded(value: Any) -> Any:
    """`value`, or what it holds where it is JSON written into a string, as data sets store nested values."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def tools_of(value: Any) -> tuple[Tool, ...]:
    """The tools in a list, a single description, or either as JSON in a string."""
    value = decoded(value)
    found = [_tool(mapping(decoded(one))) for one in (value if isinstance(value, list) else [value])]
    return tuple(one for one in found if one.name)


def embedded_tools(text: str) -> tuple[tuple[Tool, ...], str]:
    """Tools that a prompt describes in JSON (or as Python writes it), and the prompt without them."""
    if len(text) > _MOST_PROMPT:
        return (), text
    tools: list[Tool] = []
    kept, end = [], 0
    for start, stop, value in _values(text):
        found = [one for one in tools_of(value) if one.about or one.parameters]
        if found:
            tools += found
            kept.append(text[end:start])
            end = stop
    rest = "".join([*kept, text[end:]])
    rest = re.sub(r"</?(?:tools?|functions?)>", "", rest) if tools else rest
    return tuple({one.name: one for one in tools}.values()), re.sub(r"\n\s*\n\s*", "\n\n", rest).strip()


def _values(text: str) -> Iterator[tuple[int, int, Any]]:
    """(start, end, value) of the JSON values in a text, outermost first."""
    position = 0
    for _ in range(MOST_TRIED):
        found = _START.search(text, position)
        if found is None:
            return
        value, end = _value_at(text, found.start())
        if end > found.start():
            yield found.start(), end, value
        position = max(end, found.start() + 1)


def _value_at(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        pass
    end = text.find("\n", start)  # a literal of Python stands on one line in the prompts that hold one
    line = (text[start:] if end < 0 else text[start:end]).rstrip()
    if len(line) > _MOST_LITERAL or line[-1:] not in ("]", "}") or _depth(line) > _MOST_DEPTH:
        return None, start
    try:
        return ast.literal_eval(line), start + len(line)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None, start


def _depth(line: str) -> int:
    depth = most = 0
    for char in re.findall(r"[\[\](){}]", line):
        depth += 1 if char in "[({" else -1
        most = max(most, depth)
    return most


def _tool(value: Mapping[str, Any]) -> Tool:
    value = mapping(value["function"]) if isinstance(value.get("function"), Mapping) else value
    name = words(value.get("name")) or words(value.get("api_name"))
    prefix = words(value.get("tool_name"))
    if not isinstance(value.get("name", ""), str) or not name:
        return Tool("")
    about = words(value.get("description")) or words(value.get("api_description"))
    return Tool(f"{prefix}.{name}" if prefix else name, about, parameters=tuple(_parameters(value)))


def _parameters(value: Mapping[str, Any]) -> Iterator[Parameter]:
    for key in _LISTS:
        for one in map(mapping, sequence(value.get(key))):
            needed = {"required_parameters": True, "optional_parameters": False}.get(key)
            yield _parameter(words(one.get("name")), one, needed)
    schema = next((mapping(decoded(value.get(key))) for key in _SCHEMAS if value.get(key)), {})
    fields = schema.get("properties") if "properties" in schema else schema
    stated = schema.get("required") if "properties" in schema else value.get("required")
    required = {words(one) for one in sequence(stated)} if isinstance(stated, (list, tuple)) else None
    for name, one in mapping(fields).items():
        if isinstance(one, Mapping) or "properties" in schema:
            known = None if required is None else str(name) in required
            yield _parameter(str(name), mapping(one), known)


def _parameter(name: str, one: Mapping[str, Any], required: bool | None) -> Parameter:
    kind = type_words(one.get("type"))
    if required is None and isinstance(one.get("required"), bool):
        required = bool(one["required"])
    if "optional" in kind.lower():  # xLAM writes it into the type
        kind, required = re.sub(r",?\s*optional", "", kind, flags=re.IGNORECASE), False
    choices = [words(choice) for choice in sequence(one.get("enum"))[:12]]
    default = words(one.get("default"))
    about = [words(one.get("description")).rstrip(), f"One of: {', '.join(choices)}." if choices else ""]
    about.append(f"Default: {default}." if default else "")
    return Parameter(name, " ".join(part for part in about if part), kind, required)


def type_words(kind: Any) -> str:
    if isinstance(kind, list):
        return " or ".join(words(one) for one in kind if words(one))
    return words(kind).lower() if words(kind).isupper() else words(kind)


def named(tools: tuple[Tool, ...]) -> list[str]:
    """The APIs that descriptions define: their names."""
    return [one.name for one in tools]
