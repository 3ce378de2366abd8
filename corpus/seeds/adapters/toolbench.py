"""ToolBench's forms: solved paths, instructions with the APIs they need, RapidAPI tools' response schemas.

RestGPT's pairs of a request and the operations that serve it have the same shape and live here too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.trajectories import conversation
from corpus.seeds.apis import api_of_call
from corpus.seeds.records import (
    FUNCTION_CALL,
    TOOL_DOC,
    Draft,
    distinct,
    fenced,
    first_line,
    mapping,
    paragraphs,
    sequence,
    words,
)


def accepts(_path: str, value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return "answer_generation" in value or "api_list" in value or {"query", "solution"} <= set(value)


def render(path: str, value: Any) -> Iterator[Draft]:
    if "answer_generation" in value:
        yield _path(mapping(value["answer_generation"]))
    elif "solution" in value:
        yield _operations(words(value.get("query")), [words(s) for s in sequence(value["solution"])])
    elif "query" in value:
        yield _instruction(value)
    else:
        yield _responses(path, [mapping(api) for api in sequence(value["api_list"])])


def _path(answer: Mapping[str, Any]) -> Draft:
    """The longest recorded chat of a solved path, behind the functions that it may call."""
    functions = [mapping(f) for f in sequence(answer.get("function"))]
    chats = [sequence(chat) for chat in sequence(answer.get("train_messages"))]
    longest = max(chats, key=len, default=[])
    chat = conversation([mapping(m) for m in longest], title=first_line(words(answer.get("query"))))
    tools = "\n".join(f"- `{words(f.get('name'))}`: {words(f.get('description'))}" for f in functions)
    text = paragraphs("Tools:\n" + tools if tools else "", chat.text)
    return Draft(chat.title, text, chat.kind, chat.apis)


def _operations(query: str, solution: list[str]) -> Draft:
    calls = "\n".join(f"{number}. `{call}`" for number, call in enumerate(solution, 1))
    text = paragraphs(f"Request: {query}", f"Calls:\n{calls}" if calls else "")
    return Draft(
        first_line(query), text if calls else "", FUNCTION_CALL, distinct(map(api_of_call, solution))
    )


def _instruction(value: Mapping[str, Any]) -> Draft:
    apis = [mapping(api) for api in sequence(value.get("api_list"))]
    wanted = [sequence(pair) for pair in sequence(value.get("relevant APIs"))]
    needed = [".".join(words(part) for part in pair) for pair in wanted] or [_name(api) for api in apis]
    query = words(value.get("query"))
    text = paragraphs(
        f"Request: {query}",
        "Tools:",
        *[_api(api) for api in apis],
        "Calls needed: " + ", ".join(f"`{name}`" for name in needed) if needed else "",
    )
    return Draft(first_line(query), text, FUNCTION_CALL, distinct(needed))


def _api(api: Mapping[str, Any]) -> str:
    lines = [
        f"### {_name(api)}",
        words(api.get("api_description")),
        f"Method: {words(api.get('method')) or 'GET'}",
    ]
    for key, needed in (("required_parameters", "required"), ("optional_parameters", "optional")):
        for parameter in map(mapping, sequence(api.get(key))):
            kind = words(parameter.get("type")).lower() or "any"
            about = " ".join(words(parameter.get("description")).split())
            lines.append(f"- `{words(parameter.get('name'))}` ({kind}, {needed}) {about}".rstrip())
    return "\n".join(line for line in lines if line)


def _name(api: Mapping[str, Any]) -> str:
    return ".".join(part for part in (words(api.get("tool_name")), words(api.get("api_name"))) if part)


def _responses(path: str, apis: list[Mapping[str, Any]]) -> Draft:
    tool = path.rpartition("/")[2].rpartition(".")[0]
    sections = []
    for api in apis:
        schema = api.get("schema")
        shown = json.dumps(schema, indent=2, ensure_ascii=False, default=str) if schema else ""
        sections.append(paragraphs(f"## {words(api.get('name')) or 'response'}", fenced(shown, "json")))
    text = paragraphs(f"# {tool}: response schemas", *sections) if sections else ""
    return Draft(
        f"{tool}: response schemas", text, TOOL_DOC, distinct(f"{tool}.{words(a.get('name'))}" for a in apis)
    )
