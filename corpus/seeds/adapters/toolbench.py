"""ToolBench's forms: solved paths, instructions with their APIs, RapidAPI's tools and their responses.

RestGPT's pairs of a request and the operations that serve it have the same shape and live here too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.calls import many
from corpus.seeds.adapters.conversations import conversation
from corpus.seeds.adapters.tools import tools_of
from corpus.seeds.apis import api_of_call
from corpus.seeds.records import Draft, distinct, fenced, first_line, mapping, sequence, words
from corpus.seeds.render import Call, Request, Tool, function_call, parts, tool_doc


def accepts(_path: str, value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return "answer_generation" in value or "api_list" in value or {"query", "solution"} <= set(value)


def render(path: str, value: Any) -> Iterator[Draft]:
    if "answer_generation" in value:
        yield _path(mapping(value["answer_generation"]))
    elif "solution" in value:
        solution = [words(one) for one in sequence(value["solution"])]
        yield function_call(
            Request(words(value.get("query")), tuple(many(solution)), apis=tuple(map(api_of_call, solution)))
        )
    elif "query" in value:
        yield _instruction(value)
    elif any("schema" in mapping(api) for api in sequence(value["api_list"])):
        yield _responses(path, [mapping(api) for api in sequence(value["api_list"])])
    else:
        yield _tool(value)


def _path(answer: Mapping[str, Any]) -> Draft:
    """The longest recorded chat of a solved path, behind the functions that it may call."""
    chats = [sequence(chat) for chat in sequence(answer.get("train_messages"))]
    longest = [mapping(m) for m in max(chats, key=len, default=[])]
    tools = tools_of([mapping(f) for f in sequence(answer.get("function"))])
    query = words(answer.get("query"))
    if longest:
        return conversation(longest, tools, title=first_line(query))
    names = tuple(tool.name for tool in tools)  # nothing was tried: what remains are the functions at hand
    return tool_doc(Tool(first_line(query) or "Tools", parts.tools(tools), apis=names))


def _instruction(value: Mapping[str, Any]) -> Draft:
    tools = tools_of(sequence(value.get("api_list")))
    wanted = [sequence(pair) for pair in sequence(value.get("relevant APIs"))]
    needed = [".".join(words(part) for part in pair) for pair in wanted] or [tool.name for tool in tools]
    names = tuple([tool.name for tool in tools] + needed)
    calls = tuple(Call(name) for name in dict.fromkeys(needed))
    return function_call(Request(words(value.get("query")), calls, tools, apis=names))


def _responses(path: str, apis: list[Mapping[str, Any]]) -> Draft:
    """Schemas of what the endpoints of a tool return; empty where none is known."""
    name = path.rpartition("/")[2].rpartition(".")[0]
    sections = []
    for api in apis:
        schema = api.get("schema")
        shown = json.dumps(schema, indent=2, ensure_ascii=False, default=str) if schema else ""
        sections.append((words(api.get("name")) or "response", fenced(shown, "json")))
    named = distinct(f"{name}.{words(api.get('name'))}" for api in apis)
    title = f"{name}: response schemas"
    return tool_doc(Tool(title, sections=tuple(sections), title=title, apis=named))


def _tool(value: Mapping[str, Any]) -> Draft:
    """A tool of the RapidAPI collection: its endpoints with their parameters."""
    name = words(value.get("tool_name")) or words(value.get("title")) or words(value.get("name"))
    sections = []
    for api in map(mapping, sequence(value["api_list"])):
        (described,) = tools_of([{**api, "tool_name": ""}]) or (Tool(""),)
        operation = f"`{words(api.get('method')) or 'GET'} {words(api.get('url'))}`"
        lines = [words(api.get("description")), operation, parts.parameters(described.parameters)]
        sections.append((words(api.get("name")), "\n\n".join(line for line in lines if line)))
    about = words(value.get("tool_description")) or words(value.get("description"))
    named = distinct(f"{name}.{title}" for title, _ in sections if title)
    return tool_doc(Tool(name, about, sections=tuple(sections), apis=named))
