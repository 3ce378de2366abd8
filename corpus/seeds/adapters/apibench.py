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
from corpus.seeds.records import Draft, distinct, first_line, mapping, words
from corpus.seeds.render import Call, Example, Parameter, Request, Tool, function_call, tool_doc

_METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b")
_FACTS = {
    "framework": "Framework",
    "api_provider": "Provider",
    "domain": "Domain",
    "functionality": "Functionality",
    "api_version": "Version",
    "lang": "Language",
    "endpoint": "Endpoint",
}
_TRAITS = ("name", "type", "required", "description")
_FENCES = {"curl": "bash", "libcurl": "c", "node": "javascript", "c++": "cpp"}


def accepts(_path: str, value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return "api_call" in value or "api_call_data" in value or ("code" in value and "api_data" in value)


def render(_path: str, value: Any) -> Iterator[Draft]:
    if "code" in value and "api_data" in value:
        yield _answer(value)
    elif "api_call_data" in value:
        yield _instruction(value)
    else:
        yield _description(value)


def _answer(row: Mapping[str, Any]) -> Draft:
    """A training row of APIBench or API Pack.

    `code` holds `###Instruction: ... ###Output: <<<key>>>: value`.
    """
    instruction, _, output = words(row.get("code")).partition("###Output:")
    instruction = instruction.replace("###Instruction:", "").strip()
    data = {**mapping(row.get("api_data")), **mapping(row.get("api_call_data"))}
    call = words(data.get("api_call")) or words(row.get("api_call"))
    explanation = output.partition("<<<explanation>>>:")[2].partition("<<<code>>>")[0].strip()
    return _call(instruction, data, call, explanation)


def _instruction(row: Mapping[str, Any]) -> Draft:
    """A row of API Pack as it is published: the instruction beside the data of the call."""
    data = {**row, **mapping(row.get("api_call_data"))}
    instruction = words(row.get("instruction")) or words(row.get("instruction_test"))
    call = words(data.get("api_call"))
    return _call(instruction, data, call, "") if instruction else _description(data)


def _call(instruction: str, data: Mapping[str, Any], call: str, explanation: str) -> Draft:
    name = words(data.get("api_name"))
    about = words(data.get("description")) or words(data.get("api_description"))
    facts = tuple(pair for pair in (("API", name), *_facts(data), ("Description", about)) if pair[1])
    made = Call(text=call, language=_language(data))
    return function_call(
        Request(instruction, (made,), facts=facts, explanation=explanation, apis=_apis(data, call))
    )


def _description(row: Mapping[str, Any]) -> Draft:
    name, call = words(row.get("api_name")), words(row.get("api_call"))
    title = name or first_line(words(row.get("functionality"))) or first_line(call)
    about = [words(row.get("description")), words(row.get("api_description"))]
    parameters, stated = _arguments(row.get("api_arguments"))
    needed = _requirements(row.get("python_environment_requirements") or row.get("env_requirements"))
    sections = tuple(pair for pair in (("Arguments", stated), ("Requirements", needed)) if pair[1])
    language, one_line = _language(row), "\n" not in call
    calling = Example("" if one_line else call, language, "Call")
    examples = (calling, Example(_code(row.get("example_code")), language))
    return tool_doc(
        Tool(
            title,
            "\n\n".join(dict.fromkeys(part for part in about if part)),
            call if one_line else "",
            _facts(row),
            parameters,
            sections,
            examples,
            apis=_apis(row, call),
        )
    )


def _facts(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found = []
    for key, label in _FACTS.items():
        value = row.get(key)
        found.append((label, ", ".join(words(v) for v in value) if isinstance(value, list) else words(value)))
    return tuple(pair for pair in found if pair[1])


def _language(row: Mapping[str, Any]) -> str:
    named = words(row.get("lang")).lower()
    return _FENCES.get(named, named if named.isalnum() else "")


def _arguments(arguments: Any) -> tuple[tuple[Parameter, ...], str]:
    """Arguments by name, or what is said of them where it names none."""
    if isinstance(arguments, Mapping):
        return tuple(Parameter(str(name), _about(about)) for name, about in arguments.items()), ""
    if isinstance(arguments, list):
        rows = [mapping(one) for one in arguments]
        if rows and all("name" in one for one in rows):
            return tuple(_argument(one) for one in rows), ""
        return (), "\n".join(f"- {_about(about)}" for about in arguments)
    return (), words(arguments)


def _argument(one: Mapping[str, Any]) -> Parameter:
    rest = {key: value for key, value in one.items() if key not in _TRAITS}
    about = "; ".join(part for part in (words(one.get("description")), _about(rest) if rest else "") if part)
    needed = one.get("required")
    return Parameter(
        words(one["name"]), about, words(one.get("type")), needed if isinstance(needed, bool) else None
    )


def _about(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_about(inner)}" for key, inner in value.items())
    return words(value) or (json.dumps(value, ensure_ascii=False, default=str) if value else "")


def _requirements(value: Any) -> str:
    names = [words(v) for v in value] if isinstance(value, list) else [words(value)]
    return ", ".join(name for name in names if name)


def _code(value: Any) -> str:
    return "\n".join(words(v) for v in value) if isinstance(value, list) else words(value)


def _apis(row: Mapping[str, Any], call: str) -> tuple[str, ...]:
    host = words(row.get("api_provider")) or words(row.get("framework"))
    path = words(row.get("path"))
    if path:  # API Pack: the call itself is a program in some language, the operation's path stands beside it
        method = words(row.get("method")) or next(iter(_METHOD.findall(call)), "GET")
        return distinct([http_api(host or words(row.get("api_name")), method, path)])
    return distinct([api_of_call(call, words(row.get("api_name")).partition(" - ")[0] or host)])
