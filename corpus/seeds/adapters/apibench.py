"""Rows that describe one API call each: Gorilla's APIBench and API Zoo, and API Pack.

A row that answers an instruction becomes a function call (the request, then the call); a row that only
describes an API becomes tool documentation. Files may hold one row, a list of rows, or one row per line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.apis import api_of_call, http_api
from corpus.seeds.records import (
    FUNCTION_CALL,
    TOOL_DOC,
    Draft,
    distinct,
    fenced,
    first_line,
    mapping,
    paragraphs,
    words,
)

_METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b")
_TITLES = {
    "framework": "Framework",
    "api_provider": "Provider",
    "domain": "Domain",
    "functionality": "Functionality",
    "api_version": "Version",
    "lang": "Language",
    "endpoint": "Endpoint",
}


def accepts(_path: str, value: Any) -> bool:
    return isinstance(value, Mapping) and ("api_call" in value or ("code" in value and "api_data" in value))


def render(_path: str, value: Any) -> Iterator[Draft]:
    yield _answer(value) if "code" in value and "api_data" in value else _description(value)


def _answer(row: Mapping[str, Any]) -> Draft:
    """A training row of APIBench or API Pack.

    `code` holds `###Instruction: ... ###Output: <<<key>>>: value`.
    """
    instruction, _, output = words(row.get("code")).partition("###Output:")
    instruction = instruction.replace("###Instruction:", "").strip()
    data = {**mapping(row.get("api_data")), **mapping(row.get("api_call_data"))}
    call = words(data.get("api_call")) or words(row.get("api_call"))
    explanation = output.partition("<<<explanation>>>:")[2].partition("<<<code>>>")[0].strip()
    text = paragraphs(
        f"# {first_line(instruction)}" if len(instruction) <= 120 else "",
        f"Request: {instruction}" if instruction else "",
        f"API: {words(data.get('api_name'))}" if words(data.get("api_name")) else "",
        *_fields(data),
        words(data.get("description")) or words(data.get("api_description")),
        "Call:",
        fenced(call),
        explanation,
    )
    return Draft(
        first_line(instruction) or words(data.get("api_name")), text, FUNCTION_CALL, _apis(data, call)
    )


def _description(row: Mapping[str, Any]) -> Draft:
    name, call = words(row.get("api_name")), words(row.get("api_call"))
    title = name or first_line(words(row.get("functionality"))) or first_line(call)
    text = paragraphs(
        f"# {title}",
        *_fields(row),
        words(row.get("description")),
        words(row.get("api_description")),
        "## Call\n\n" + fenced(call) if call else "",
        _arguments(row.get("api_arguments")),
        _requirements(row.get("python_environment_requirements") or row.get("env_requirements")),
        "## Example\n\n" + fenced(_code(row.get("example_code"))) if _code(row.get("example_code")) else "",
    )
    return Draft(title, text, TOOL_DOC, _apis(row, call))


def _fields(row: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, label in _TITLES.items():
        value = row.get(key)
        text = ", ".join(words(v) for v in value) if isinstance(value, list) else words(value)
        if text:
            lines.append(f"{label}: {text}")
    return ["\n".join(lines)] if lines else []


def _arguments(arguments: Any) -> str:
    if isinstance(arguments, Mapping) and arguments:
        return "## Arguments\n\n" + "\n".join(
            f"- `{name}`: {_about(about)}" for name, about in arguments.items()
        )
    if isinstance(arguments, list) and arguments:
        return "## Arguments\n\n" + "\n".join(f"- {_about(about)}" for about in arguments)
    return f"## Arguments\n\n{words(arguments)}" if words(arguments) else ""


def _about(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_about(inner)}" for key, inner in value.items())
    return words(value) or (json.dumps(value, ensure_ascii=False, default=str) if value else "no description")


def _requirements(value: Any) -> str:
    names = [words(v) for v in value] if isinstance(value, list) else [words(value)]
    names = [name for name in names if name]
    return "## Requirements\n\n" + ", ".join(names) if names else ""


def _code(value: Any) -> str:
    return "\n".join(words(v) for v in value) if isinstance(value, list) else words(value)


def _apis(row: Mapping[str, Any], call: str) -> tuple[str, ...]:
    host = words(row.get("api_provider")) or words(row.get("framework"))
    path = words(row.get("path"))
    if path:  # API Pack: the call itself is a program in some language, the operation's path stands beside it
        method = words(row.get("method")) or next(iter(_METHOD.findall(call)), "GET")
        return distinct([http_api(host, method, path)])
    return distinct([api_of_call(call, words(row.get("api_name")).partition(" - ")[0] or host)])
