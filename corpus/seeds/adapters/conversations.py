"""Chat messages in the forms of public data, to a trajectory, a function call, or plain conversation.

The rule by which the kind is told: a conversation with one request and one round of calls, and without
thoughts, is a function call; with more steps it is a trajectory; in which nothing is done, it is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.calls import api_of, calls_in, structured
from corpus.seeds.adapters.steps import events_of
from corpus.seeds.adapters.tools import decoded, embedded_tools, named, tools_of
from corpus.seeds.records import Draft, mapping, sequence, words
from corpus.seeds.render import Call, Event, Request, Run, Tool, function_call, trajectory

KEYS = ("messages", "conversations", "conversation", "history", "trajectory")
_ROLES = {"system": "system", "user": "user", "human": "user"}
_CALLING = ("function_call", "tool_call")
_ROLES |= dict.fromkeys(("assistant", "gpt", "ai", "bot", "model", "chatgpt", *_CALLING), "assistant")
_ANSWERING = (
    "tool",
    "function",
    "observation",
    "function_response",
    "tool_response",
    "environment",
    "ipython",
)
_ROLES |= dict.fromkeys((*_ANSWERING, "api"), "observation")
_SPOKEN = re.compile(r"^(SYSTEM|USER|ASSISTANT|FUNCTION RESPONSE): ?", re.MULTILINE)  # Glaive's transcripts
_RESPONSE = re.compile(r"</?(?:tool_response|function_response)>")


def messages_of(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages of a row, also where they are JSON in a string or a mapping of columns; else none."""
    for key in KEYS:
        found = decoded(value.get(key))
        if isinstance(found, Mapping):  # one list per field, as hubs store sequences of records
            found = [dict(zip(found, row)) for row in zip(*map(sequence, found.values()))]
        if found and isinstance(found, list) and all(_is_message(one) for one in found):
            return [mapping(one) for one in found]
    spoken = next((words(value.get(key)) for key in ("chat", "sample") if words(value.get(key))), "")
    return list(_transcript(spoken)) if len(_SPOKEN.findall(spoken)) >= 2 else []


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("role", value.get("from")), str)


def _transcript(text: str) -> Iterator[Mapping[str, Any]]:
    pieces = _SPOKEN.split(text.replace("<|endoftext|>", ""))
    roles = {"FUNCTION RESPONSE": "function"}
    for role, body in zip(pieces[1::2], pieces[2::2]):
        yield {"role": roles.get(role, role.lower()), "content": body.strip()}


def row(value: Mapping[str, Any]) -> Draft:
    """A row with messages, and with its tools and system prompt where they stand in columns of their own."""
    messages = messages_of(value)
    system = words(value.get("system")).removeprefix("SYSTEM:").strip()
    if system and not any(_who(one) == "system" for one in messages):
        messages = [{"role": "system", "content": system}, *messages]
    return conversation(messages, tools_of(value.get("tools") or value.get("functions") or []))


def conversation(messages: list[Mapping[str, Any]], tools: tuple[Tool, ...] = (), title: str = "") -> Draft:
    """The messages as one draft. Without `tools`, those count that the system prompt describes."""
    events, found = events_and_tools(messages)
    tools = tools or found
    called = [api_of(event.call) for event in events if event.call]
    names = (*named(tools), *called)
    asked = _single_call(events)
    if asked is not None:
        user, calls, answer, system = asked
        return function_call(Request(user, calls, tools, answer=answer, system=system, apis=names))
    return trajectory(Run(tuple(events), tools, title=title, apis=names))


def events_and_tools(messages: list[Mapping[str, Any]]) -> tuple[list[Event], tuple[Tool, ...]]:
    events: list[Event] = []
    tools: tuple[Tool, ...] = ()
    answered = any(_who(one) == "observation" for one in messages)
    for message in messages:
        who, body = _who(message), content_of(message)
        if who == "system":
            found, body = embedded_tools(body)
            tools = tools or found
        made = list(_message_events(message, who, body))
        if who == "user" and not answered and events and events[-1].who == "action":
            # the environment speaks as the user where nobody else can
            made = [Event("observation", event.text) if event.who == "user" else event for event in made]
        events += made
    return events, tools


def _message_events(message: Mapping[str, Any], who: str, body: str) -> Iterator[Event]:
    if who != "assistant":
        text = _RESPONSE.sub("", body).strip() if who == "observation" else body
        yield from events_of(text, who) if who == "user" else [Event(who, text)] if text else []
        return
    thought = words(message.get("thought")) or words(message.get("reasoning_content"))
    if thought:
        yield Event("thought", thought)
    calls = structured(message.get("tool_calls")) + structured(message.get("function_call"))
    if words(message.get("role") or message.get("from")).lower() in _CALLING:
        calls, body = structured(body) or [Call(text=body)], ""
    elif not calls:
        calls, body = calls_in(body)
    if not calls and "text" in message:  # SWE-agent: what it thinks, then one command in a fence
        before, command = _last_fence(body)
        if command:
            yield from [Event("thought", before)] if before else []
            calls, body = [Call(text=command, language="bash")], ""
    yield from events_of(body, "assistant")
    yield from (Event("action", call=call) for call in calls)


def _last_fence(text: str) -> tuple[str, str]:
    """What stands before the fence that ends a text, and what is in it; empty where none ends it."""
    whole = text.rstrip()
    start = whole.rfind("```", 0, len(whole) - 3) if whole.endswith("```") else -1
    inside = whole[start + 3 : -3].partition("\n")[2] if start >= 0 else ""
    return whole[: max(start, 0)].strip(), inside.strip("\n")


def _single_call(events: list[Event]) -> tuple[str, tuple[Call, ...], str, str] | None:
    """(request, calls, answer, system) where that is all that happens; None for anything longer."""
    said: dict[str, list[str]] = {"user": [], "assistant": [], "system": [], "observation": []}
    calls: list[Call] = []
    for place, event in enumerate(events):
        if event.who == "thought" or (event.who == "action" and calls and events[place - 1].who != "action"):
            return None
        if event.call:
            calls.append(event.call)
        elif event.who in said:
            said[event.who].append(event.text)
    results = said["observation"]
    if len(said["user"]) != 1 or not calls or len(results) > len(calls):
        return None
    if len(results) == 1 and len(calls) > 1:  # one answer to all of them
        results = [*[""] * (len(calls) - 1), *results]
    filled = [
        Call(one.name, one.arguments, one.text, one.language, results[n] if n < len(results) else "")
        for n, one in enumerate(calls)
    ]
    return said["user"][0], tuple(filled), "\n\n".join(said["assistant"]), "\n\n".join(said["system"])


def _who(message: Mapping[str, Any]) -> str:
    role = words(message.get("role") or message.get("from")).lower()
    return _ROLES.get(role, role or "assistant")


def content_of(message: Mapping[str, Any]) -> str:
    value = next((message[key] for key in ("content", "value", "text") if message.get(key)), "")
    value = value or message.get("system_prompt")
    if isinstance(value, list):  # content parts: [{"type": "text", "text": ...}]
        return "\n".join(words(mapping(part).get("text")) for part in value).strip()
    return words(value)
