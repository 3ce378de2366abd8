"""Short descriptions of tools.

Model cards (HuggingGPT), plugins and tool choices (MetaTool), lists of public APIs.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.records import (
    FUNCTION_CALL,
    TEXT,
    TOOL_DOC,
    Draft,
    distinct,
    first_line,
    mapping,
    paragraphs,
    sequence,
    words,
)

MOST_QUERIES = 20  # requests shown for one tool of a query list


def accepts(path: str, value: Any) -> bool:
    if isinstance(value, str):
        return path.endswith(".csv") and value.lstrip("\ufeff").lower().startswith("query,tool")
    if not isinstance(value, Mapping):
        return False
    keys = set(value)
    known = (
        {"id", "description"},
        {"query", "tool"},
        {"name_for_model", "description_for_model"},
        {"role", "content"},
    )
    return any(wanted <= keys for wanted in known) or "entries" in keys or _is_glossary(value)


def render(_path: str, value: Any) -> Iterator[Draft]:
    if isinstance(value, str):
        yield from _queries(value)
    elif "entries" in value:
        yield from _entries(value)
    elif "query" in value:
        tools = [words(tool) for tool in sequence(value["tool"])] or [words(value["tool"])]
        yield _choice(words(value["query"]), tools)
    elif "name_for_model" in value:
        name = words(value.get("name_for_human")) or words(value["name_for_model"])
        text = paragraphs(
            f"# {name}", words(value.get("description_for_human")), words(value["description_for_model"])
        )
        yield Draft(name, text, TOOL_DOC, distinct([words(value["name_for_model"])]))
    elif "role" in value:
        yield Draft(first_line(words(value["content"])), words(value["content"]), TEXT)
    elif "id" in value:
        yield _model(value)
    else:
        lines = [f"- `{name}`: {about}" for name, about in value.items()]
        yield Draft(
            f"{len(lines)} tools",
            paragraphs("# Tools", "\n".join(lines)),
            TOOL_DOC,
            distinct(map(str, value)),
        )


def _is_glossary(value: Mapping[str, Any]) -> bool:
    """A mapping of at least ten names to one-line descriptions."""
    lines = [
        v for v in value.values() if isinstance(v, str) and "\n" not in v.strip() and len(v.split()) >= 3
    ]
    return len(value) >= 10 and len(lines) >= 0.9 * len(value)


def _model(value: Mapping[str, Any]) -> Draft:
    name, task = words(value["id"]), words(value.get("task")) or words(value.get("pipeline_tag"))
    text = paragraphs(f"# {name}", f"Task: {task}" if task else "", words(value["description"]))
    return Draft(name, text if words(value["description"]) else "", TOOL_DOC, distinct([name]))


def _choice(query: str, tools: list[str]) -> Draft:
    text = paragraphs(f"Request: {query}", "Tools to call: " + ", ".join(f"`{tool}`" for tool in tools))
    return Draft(first_line(query), text if query and tools else "", FUNCTION_CALL, distinct(tools))


def _queries(text: str) -> Iterator[Draft]:
    """One draft per tool of a CSV of `Query,Tool`: a row alone is too little to learn from."""
    by_tool: dict[str, list[str]] = defaultdict(list)
    for row in csv.reader(io.StringIO(text.lstrip("\ufeff"))):
        if len(row) == 2 and row[0] != "Query":
            by_tool[row[1].strip()].append(" ".join(row[0].split()))
    for tool, queries in sorted(by_tool.items()):
        lines = "\n".join(f"- {query}" for query in queries[:MOST_QUERIES])
        yield Draft(
            tool,
            paragraphs(f"Requests that the tool `{tool}` serves:", lines),
            FUNCTION_CALL,
            distinct([tool]),
        )


def _entries(value: Mapping[str, Any]) -> Iterator[Draft]:
    """The list of public APIs as JSON: one draft per category."""
    by_category: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in map(mapping, sequence(value["entries"])):
        by_category[words(entry.get("Category")) or "Other"].append(entry)
    for category, entries in sorted(by_category.items()):
        rows = [
            f"| {words(e.get('API'))} | {words(e.get('Description'))} | {words(e.get('Auth'))} |"
            for e in entries
        ]
        table = "\n".join(["| API | Description | Auth |", "|---|---|---|", *rows])
        names = distinct(words(e.get("API")) for e in entries)
        yield Draft(
            f"Public APIs: {category}", paragraphs(f"# Public APIs: {category}", table), TOOL_DOC, names
        )
