"""Conversations inside the items of ToolAlpaca and ToolBench: several in one, or the path through a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corpus.shards.conversations import calls
from corpus.shards.conversations.parts import CALLS, NO_CONVERSATION, TOOLS, Record, content_of, reading
from corpus.shards.conversations.schema import (
    ASSISTANT,
    TOOL,
    USER,
    Conversation,
    Message,
    UnfitError,
    call,
    function,
    message,
)
from corpus.shards.conversations.styles import openai
from corpus.shards.sources.values import word


def toolbench(record: Record) -> Iterator[Conversation]:
    """`answer_generation`: the messages of the last step with its answer, and the functions on offer."""
    found = record.get("answer_generation")
    steps = found.get("train_messages") if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(steps, list) or not steps:
        raise UnfitError(NO_CONVERSATION)
    if not found.get("valid_data", True):
        raise UnfitError("no_answer")
    yield from openai({"messages": steps[-1], "functions": found.get("function")})


def toolalpaca(record: Record) -> Iterator[Conversation]:
    """One API: `Instances` are trajectories; `Instructions` with `Golden_Answers` are questions and calls."""
    tools = _described(record.get("Function_Description"))
    found = False
    for instance in _mappings(record.get("Instances")):
        found = True
        yield Conversation((message(USER, content_of(instance.get("input"))), *_steps(instance)), tools)
    for asked, golden in zip(_list(record.get("Instructions")), _list(record.get("Golden_Answers"))):
        found = True
        given = [_golden(one) for one in _mappings(golden)]
        turns = (message(USER, content_of(asked)), message(ASSISTANT, tool_calls=given or None))
        yield Conversation(turns, tools)
    if not found:
        raise UnfitError(NO_CONVERSATION)


def _steps(instance: Record) -> Iterator[Message]:
    for step in _list(instance.get("intermediate_steps")):
        if not (
            isinstance(step, list) and len(step) == 2 and isinstance(step[0], list) and len(step[0]) >= 2
        ):
            raise UnfitError(NO_CONVERSATION)
        name, arguments = word(step[0][0]), step[0][1]
        yield message(ASSISTANT, tool_calls=[call(name, arguments)])
        yield message(TOOL, content_of(step[1]))
    yield message(ASSISTANT, content_of(instance.get("output")))


def _golden(answer: Record) -> dict[str, Any]:
    return call(word(answer.get("Action")), reading(lambda: calls.loads(answer.get("Action_Input")), CALLS))


def _described(value: Any) -> tuple[dict[str, Any], ...]:
    """Functions by name; the description holds the parameters as words, so the schema stays open."""
    if not isinstance(value, Mapping):
        raise UnfitError(TOOLS)
    empty = {"type": "object", "properties": {}}
    named = ((str(name), word(text)) for name, text in value.items() if name != "components")
    return tuple(function(name, text, empty) for name, text in named)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: Any) -> list[Record]:
    return [one for one in _list(value) if isinstance(one, Mapping)]
