"""Short descriptions of tools.

Model cards (HuggingGPT), plugins and tool choices (MetaTool), lists of public APIs.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.records import TEXT, Draft, distinct, first_line, mapping, sequence, words
from corpus.seeds.render import Call, Request, Tool, function_call, tool_doc

MOST_QUERIES = 20  # requests shown for one tool of a query list
_KNOWN = (
    {"id", "description"},
    {"query", "tool"},
    {"name_for_model", "description_for_model"},
    {"role", "content"},
)


def accepts(path: str, value: Any) -> bool:
    if isinstance(value, str):
        return path.endswith(".csv") and value.lstrip("\ufeff").lower().startswith("query,tool")
    if not isinstance(value, Mapping):
        return False
    keys = set(value)
    return any(wanted <= keys for wanted in _KNOWN) or "entries" in keys or _is_glossary(value)


def render(_path: str, value: Any) -> Iterator[Draft]:
    if isinstance(value, str):
        yield from _queries(value)
    elif "entries" in value:
        yield from _entries(value)
    elif "query" in value:
        tools = [words(tool) for tool in sequence(value["tool"])] or [words(value["tool"])]
        calls = tuple(Call(text=tool) for tool in tools if tool)
        yield function_call(Request(words(value["query"]), calls, apis=tuple(tools)))
    elif "name_for_model" in value:
        name = words(value.get("name_for_human")) or words(value["name_for_model"])
        about = [words(value.get("description_for_human")), words(value["description_for_model"])]
        text = "\n\n".join(part for part in about if part)
        yield tool_doc(Tool(name, text, apis=(words(value["name_for_model"]),)))
    elif "role" in value:
        yield Draft(first_line(words(value["content"])), words(value["content"]), TEXT)
    elif "id" in value:
        yield _model(value)
    else:
        yield _glossary({str(name): words(about) for name, about in value.items()})


def _is_glossary(value: Mapping[str, Any]) -> bool:
    """A mapping of at least ten names to one-line descriptions."""
    lines = [
        v for v in value.values() if isinstance(v, str) and "\n" not in v.strip() and len(v.split()) >= 3
    ]
    return len(value) >= 10 and len(lines) >= 0.9 * len(value)


def _glossary(found: Mapping[str, str]) -> Draft:
    lines = "\n".join(f"- `{name}`: {about}" for name, about in found.items())
    return tool_doc(Tool("Tools", lines, title=f"{len(found)} tools", apis=tuple(found)))


def _model(value: Mapping[str, Any]) -> Draft:
    """A card of a hub's model; empty where nothing is said of it."""
    name, task = words(value["id"]), words(value.get("task")) or words(value.get("pipeline_tag"))
    about = words(value["description"])
    facts = (("Task", task),) if task and about else ()
    return tool_doc(Tool(name, about, facts=facts, apis=(name,)))


def _queries(text: str) -> Iterator[Draft]:
    """One draft per tool of a CSV of `Query,Tool`: a row alone is too little to learn from."""
    by_tool: dict[str, list[str]] = defaultdict(list)
    for row in csv.reader(io.StringIO(text.lstrip("\ufeff"))):
        if len(row) == 2 and row[0] != "Query":
            by_tool[row[1].strip()].append(" ".join(row[0].split()))
    for tool, queries in sorted(by_tool.items()):
        lines = "\n".join(f"- {query}" for query in queries[:MOST_QUERIES])
        yield tool_doc(Tool(tool, sections=(("Requests that it serves", lines),), apis=(tool,)))


def _entries(value: Mapping[str, Any]) -> Iterator[Draft]:
    """The list of public APIs as JSON: one draft per category."""
    by_category: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in map(mapping, sequence(value["entries"])):
        by_category[words(entry.get("Category")) or "Other"].append(entry)
    for category, entries in sorted(by_category.items()):
        title = f"Public APIs: {category}"
        rows = [
            f"| {words(e.get('API'))} | {words(e.get('Description'))} | {words(e.get('Auth'))} |"
            for e in entries
        ]
        table = "\n".join(["| API | Description | Auth |", "|---|---|---|", *rows])
        yield tool_doc(Tool(title, table, apis=distinct(words(e.get("API")) for e in entries)))
