"""The styles in which data sets write conversations, each a function from a record to conversations.

A style is told by the fields of the record. Where the prompt of a data set tells the tools in its own words,
they are taken out of it and it is left out: a chat template writes them again, in the model's own form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from corpus.shards.conversations import calls
from corpus.shards.conversations.parts import (
    CALL,
    NO_CONVERSATION,
    TOOLS,
    Record,
    are_tools,
    content_of,
    reading,
    role_of,
    tools_in,
    turns_in,
)
from corpus.shards.conversations.schema import (
    ASSISTANT,
    SYSTEM,
    TOOL,
    USER,
    Conversation,
    Message,
    UnfitError,
    dumps,
    message,
)
from corpus.shards.sources.values import word

_HERMES_TOOLS = re.compile(r"<tools>(.*?)</tools>", re.S)
_HERMES_RESULT = re.compile(r"<tool_response>\s*(.*?)\s*</tool_response>", re.S)
_FUNCTION_CALL = re.compile(r"<functioncall>\s*(\{.*\})", re.S)
_QUOTED_ARGUMENTS = re.compile(r"""("arguments":\s*)'(.*)'\s*\}\s*$""", re.S)
_GLAIVE_TURN = re.compile(r"(?:\A|\n\n|<\|endoftext\|>)\s*(USER|ASSISTANT|FUNCTION RESPONSE):[ \t]?")
_GLAIVE_ROLES = {"USER": USER, "ASSISTANT": ASSISTANT, "FUNCTION RESPONSE": TOOL}


def openai(record: Record) -> Iterator[Conversation]:
    """`messages` of role and content with tool_calls or function_call, as in SWE-agent's `history`."""
    turns = turns_in(record, "messages", "history", "conversation", "conversations")
    made = [one for turn in turns for one in _openai_turn(turn)]
    yield Conversation(tuple(made), tools_in(record), word(record.get("id")))


def _openai_turn(turn: Record) -> Iterator[Message]:
    role = role_of(turn.get("role"))
    content = content_of(turn.get("content"))
    given = turn.get("tool_calls") or turn.get("function_call")
    made = reading(lambda: calls.from_objects(given)) if given and role == ASSISTANT else None
    trained = turn.get("loss", turn.get("weight"))
    own = turn.get("tool_call_ids")
    answers = own[0] if isinstance(own, list) and own else turn.get("tool_call_id")
    yield message(
        role,
        content,
        tool_calls=made,
        tool_call_id=word(answers) or None,
        name=word(turn.get("name")) or None,
        loss=None if trained is None or role != ASSISTANT else bool(trained),
    )


def sharegpt(record: Record) -> Iterator[Conversation]:
    """`conversations` of from and value; calls as turns of their own, or in `<tool_call>` tags (Hermes)."""
    turns = turns_in(record, "conversations", "conversation", "messages")
    made = [one for turn in turns for one in _sharegpt_turn(turn)]
    if system := content_of(record.get("system")):
        made.insert(0, message(SYSTEM, system))
    tools = tools_in(record)
    if made and made[0]["role"] == SYSTEM and (listed := _HERMES_TOOLS.search(made[0]["content"])):
        told = [found for found, _, _ in calls.objects_in(listed[1])]
        flat = [one for found in told for one in (found if isinstance(found, list) else [found])]
        tools, made = tools or reading(lambda: calls.tools_of(flat), TOOLS), made[1:]
    yield Conversation(tuple(made), tools, word(record.get("id")))


def _sharegpt_turn(turn: Record) -> Iterator[Message]:
    role = role_of(turn.get("from", turn.get("role")))
    text = content_of(turn.get("value", turn.get("content")))
    if role == CALL:
        yield message(ASSISTANT, tool_calls=reading(lambda: calls.from_objects(calls.loads(text))))
    elif role == ASSISTANT and "<tool_call>" in text:
        rest, made = reading(lambda: calls.from_tags(text))
        yield message(role, rest, tool_calls=made)
    elif role == TOOL and (results := _HERMES_RESULT.findall(text)):
        yield from (message(role, result) for result in results)
    else:
        yield message(role, text)


def toolace(record: Record) -> Iterator[Conversation]:
    """`system` with the tools as JSON in it, and turns that call them as `[name(key=value)]`."""
    system = content_of(record.get("system"))
    tools = next((found for found, _, _ in calls.objects_in(system) if are_tools(found)), None)
    made: list[Message] = [] if tools or not system else [message(SYSTEM, system)]
    open_calls = 0
    for turn in turns_in(record, "conversations"):
        role, text = (
            role_of(turn.get("from", turn.get("role"))),
            content_of(turn.get("value", turn.get("content"))),
        )
        if role == TOOL:
            made += [message(TOOL, part) for part in _results(text, open_calls)]
            continue
        try:
            given = calls.from_brackets(text) if role == ASSISTANT else None
        except ValueError:
            given = None
        open_calls = len(given or ())
        made.append(message(role, "" if given else text, tool_calls=given))
    yield Conversation(tuple(made), reading(lambda: calls.tools_of(tools), TOOLS), word(record.get("id")))


def _results(text: str, wanted: int) -> list[str]:
    """One text for each call where the results of several stand in one list."""
    try:
        found = calls.loads(text)
    except ValueError:
        return [text]
    if isinstance(found, list) and len(found) == wanted > 1:
        return [dumps(one) for one in found]
    return [text]


def glaive(record: Record) -> Iterator[Conversation]:
    """`system` with tools as JSON objects; `chat`: one text with USER, ASSISTANT, FUNCTION RESPONSE."""
    system = content_of(record.get("system")).removeprefix("SYSTEM:").strip()
    tools = [found for found, _, _ in calls.objects_in(system) if are_tools(found)]
    made: list[Message] = [] if tools or not system else [message(SYSTEM, system)]
    pieces = _GLAIVE_TURN.split(content_of(record.get("chat")))
    if pieces[0].strip():
        raise UnfitError(NO_CONVERSATION)
    for name, text in zip(pieces[1::2], pieces[2::2]):
        said = text.replace("<|endoftext|>", "").strip()
        found = _FUNCTION_CALL.search(said) if name == "ASSISTANT" else None
        given = [_glaive_call(found[1])] if found else None
        made.append(
            message(_GLAIVE_ROLES[name], said[: found.start()].strip() if found else said, tool_calls=given)
        )
    yield Conversation(tuple(made), reading(lambda: calls.tools_of(tools), TOOLS))


def _glaive_call(text: str) -> dict[str, Any]:
    """`{"name": "f", "arguments": '{"a": 1}'}`: arguments in single quotes, which JSON has not."""

    def quoted(found: re.Match[str]) -> str:
        return found[1] + dumps(found[2].replace("\\'", "'")) + "}"

    found = reading(lambda: calls.from_objects(calls.loads(_QUOTED_ARGUMENTS.sub(quoted, text))))
    return dict(found[0])


def xlam(record: Record) -> Iterator[Conversation]:
    """`query`, `tools` and `answers`, the last two JSON as text."""
    given = reading(lambda: calls.from_objects(calls.loads(record.get("answers"))))
    made = (message(USER, content_of(record.get("query"))), message(ASSISTANT, tool_calls=given))
    yield Conversation(made, tools_in(record), word(record.get("id")))


def alpaca(record: Record) -> Iterator[Conversation]:
    """`instruction`, `input` and `output`."""
    asked = "\n\n".join(
        part for key in ("instruction", "input") if (part := content_of(record.get(key))).strip()
    )
    yield Conversation((message(USER, asked), message(ASSISTANT, content_of(record.get("output")))))
