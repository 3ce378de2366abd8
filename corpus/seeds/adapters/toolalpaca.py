"""ToolAlpaca: a simulated tool per row, with documentation in words and instructions with golden calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.apis import http_api
from corpus.seeds.records import Draft, mapping, sequence, words
from corpus.seeds.render import Call, Request, Tool, function_call, tool_doc


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
    for instance in map(mapping, sequence(value.get("Instances"))):  # simulated runs, in the training set
        yield _instance(name, instance, apis)


def _documentation(name: str, value: Mapping[str, Any], apis: Mapping[str, str]) -> Draft:
    functions = {k: v for k, v in mapping(value.get("Function_Description")).items() if k != "components"}
    sections = tuple((str(function), words(about)) for function, about in functions.items())
    about = [words(value.get("Description")), words(value.get("Introduction"))]
    about += [] if sections else [words(value.get("NLDocumentation"))]
    named = tuple(apis.values()) or tuple(f"{name}.{function}" for function in functions)
    return tool_doc(Tool(name, "\n\n".join(part for part in about if part), sections=sections, apis=named))


def _call(name: str, instruction: str, steps: list[Mapping[str, Any]], apis: Mapping[str, str]) -> Draft:
    calls = tuple(Call(words(step.get("Action")), words(step.get("Action_Input"))) for step in steps)
    named = tuple(apis.get(call.name, f"{name}.{call.name}") for call in calls)
    return function_call(Request(instruction, calls, facts=(("Tool", name),), apis=named))


def _instance(name: str, instance: Mapping[str, Any], apis: Mapping[str, str]) -> Draft:
    calls = []
    for step in map(sequence, sequence(instance.get("intermediate_steps"))):
        made = sequence(step[0]) if step else []
        if len(step) == 2 and len(made) >= 2:  # [[function, input, thought], response]
            calls.append(Call(words(made[0]), words(made[1]), result=words(step[1])))
    named = tuple(apis.get(call.name, f"{name}.{call.name}") for call in calls)
    asked = Request(
        words(instance.get("input")),
        tuple(calls),
        facts=(("Tool", name),),
        answer=words(instance.get("output")),
        apis=named,
    )
    return function_call(asked)
