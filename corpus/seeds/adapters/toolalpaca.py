"""ToolAlpaca: a simulated tool per row, with documentation in words and instructions with golden calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.apis import http_api
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
    return (
        isinstance(value, Mapping)
        and "Name" in value
        and ("Function_Description" in value or "NLDocumentation" in value)
    )


def render(_path: str, value: Any) -> Iterator[Draft]:
    """The tool's documentation, then each instruction with the calls that answer it."""
    name = words(value.get("Name"))
    routes = {str(k): sequence(v) for k, v in mapping(value.get("Function_Projection")).items()}
    apis = {f: http_api(name, words(r[1]), words(r[0])) for f, r in routes.items() if len(r) == 2}
    yield _documentation(name, value, apis)
    golden = [sequence(steps) for steps in sequence(value.get("Golden_Answers"))]
    for instruction, steps in zip(sequence(value.get("Instructions")), golden):
        yield _call(name, words(instruction), [mapping(s) for s in steps], apis)


def _documentation(name: str, value: Mapping[str, Any], apis: Mapping[str, str]) -> Draft:
    functions = {k: v for k, v in mapping(value.get("Function_Description")).items() if k != "components"}
    sections = [f"## {function}\n\n{words(about)}" for function, about in functions.items()]
    text = paragraphs(
        f"# {name}",
        words(value.get("Description")),
        words(value.get("Introduction")),
        *(sections or [words(value.get("NLDocumentation"))]),
    )
    return Draft(
        name, text, TOOL_DOC, distinct(apis.values() or [f"{name}.{function}" for function in functions])
    )


def _call(name: str, instruction: str, steps: list[Mapping[str, Any]], apis: Mapping[str, str]) -> Draft:
    parts, called = [f"Tool: {name}", f"Request: {instruction}"], []
    for step in steps:
        action = words(step.get("Action"))
        called.append(apis.get(action, f"{name}.{action}"))
        parts += [f"Action: {action}", fenced(words(step.get("Action_Input")), "json")]
    return Draft(
        first_line(instruction), paragraphs(*parts) if steps else "", FUNCTION_CALL, distinct(called)
    )
