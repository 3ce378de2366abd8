"""Action trajectories: chat messages (FireAct, function calling), ReAct prompt collections, SWE-agent runs.

Each becomes readable text: who speaks, what is thought, done and observed. Long observations are shortened
in the middle, since a directory listing of a megabyte teaches nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.records import (
    TEXT,
    TRAJECTORY,
    Draft,
    distinct,
    fenced,
    first_line,
    mapping,
    paragraphs,
    sequence,
    words,
)

MOST_OBSERVED = 3000
_ACTION = re.compile(r"^\s*Action(?: \d+)?:\s*([A-Za-z_][\w.\-]*)", re.MULTILINE)
_STEPS = re.compile(r"^\s*(?:Thought|Action|Observation)(?: \d+)?:", re.MULTILINE)
_SHELL = re.compile(r"^> (?:think|go|take|put|open|use|look|clean|heat|cool|examine)\b", re.MULTILINE)
_ROLES = {"system": "System", "user": "User", "human": "User", "assistant": "Assistant", "gpt": "Assistant"}
_ROLES |= {"tool": "Observation", "function": "Observation", "observation": "Observation"}


def accepts(path: str, value: Any) -> bool:
    if isinstance(value, str):
        return has_steps(value) and not path.endswith((".md", ".markdown"))
    if not isinstance(value, Mapping):
        return False
    if (
        any(_messages(value.get(key)) for key in ("messages", "conversations", "history"))
        or "trajectory" in value
    ):
        return True
    return (
        bool(value)
        and all(isinstance(v, str) for v in value.values())
        and any(map(has_steps, value.values()))
    )


def render(_path: str, value: Any) -> Iterator[Draft]:
    if isinstance(value, str):
        yield _prompt(first_line(value), value)
    elif sequence(value.get("trajectory")):
        yield _run(value)
    elif any(_messages(value.get(key)) for key in ("messages", "conversations", "history")):
        messages = next(
            m for m in (_messages(value.get(k)) for k in ("messages", "conversations", "history")) if m
        )
        yield conversation(messages)
    else:
        for name, text in value.items():
            yield _prompt(f"{name}: {first_line(text, 80)}", text)


def has_steps(text: str) -> bool:
    """Whether a text shows an agent's steps: thoughts, actions, observations, commands of a text world."""
    return len(_STEPS.findall(text)) >= 2 or len(_SHELL.findall(text)) >= 2


def conversation(messages: list[Mapping[str, Any]], apis: tuple[str, ...] = (), title: str = "") -> Draft:
    """Chat messages as text.

    A conversation in which nothing is called or observed is plain text, no trajectory.
    """
    parts, called = [], list(apis)
    for message in messages:
        role = words(message.get("role") or message.get("from")).lower()
        body = _content(message.get("content") if "content" in message else message.get("value"))
        calls = _calls(message)
        called += [name for name, _ in calls]
        if role in ("assistant", "gpt", ""):
            called += _ACTION.findall(body)
        shown = shortened(body) if _ROLES.get(role) == "Observation" else body
        parts.append(
            paragraphs(
                f"{_ROLES.get(role, role.title() or 'Message')}: {shown}" if shown else "", *_show(calls)
            )
        )
    text = paragraphs(*parts)
    first_user = next((_content(m.get("content") or m.get("value")) for m in messages if _is_user(m)), "")
    kind = TRAJECTORY if called or has_steps(text) else TEXT
    return Draft(title or first_line(first_user) or first_line(text), text, kind, distinct(called))


def shortened(text: str, most: int = MOST_OBSERVED) -> str:
    """`text` with its middle left out, and saying so, where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    left = most // 2
    return f"{text[:left]}\n[... {len(text) - 2 * left:,} characters left out ...]\n{text[-left:]}"


def _prompt(title: str, text: str) -> Draft:
    kind = TRAJECTORY if has_steps(text) else TEXT
    return Draft(title, text.strip(), kind, distinct(_ACTION.findall(text)))


def _run(value: Mapping[str, Any]) -> Draft:
    """A SWE-agent run as text.

    The task comes from the first user message; then each step has thought, command and observation.
    """
    history = _messages(value.get("history"))
    task = next((_content(m.get("content")) for m in history if _is_user(m) and not m.get("is_demo")), "")
    parts, called = [f"Task: {shortened(task, 6000)}" if task else ""], []
    for step in map(mapping, sequence(value.get("trajectory"))):
        action = words(step.get("action"))
        called += action.split()[:1]
        parts.append(f"Thought: {words(step.get('thought'))}" if words(step.get("thought")) else "")
        parts.append(f"Action:\n{fenced(action)}" if action else "")
        observed = words(step.get("observation"))
        parts.append(f"Observation:\n{fenced(shortened(observed))}" if observed else "")
    named = [name for name in called if re.fullmatch(r"[\w./\-]{1,60}", name)]
    text = paragraphs(*parts)
    return Draft(first_line(task) or first_line(text), text, TRAJECTORY, distinct(named))


def _messages(value: Any) -> list[Mapping[str, Any]]:
    found = [m for m in sequence(value) if isinstance(m, Mapping) and ("role" in m or "from" in m)]
    return found if len(found) == len(sequence(value)) else []


def _content(value: Any) -> str:
    if isinstance(value, list):  # content parts: [{"type": "text", "text": ...}]
        return "\n".join(words(mapping(part).get("text")) for part in value).strip()
    return words(value)


def _calls(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, arguments) of the structured calls in a message, in OpenAI's old and new forms."""
    entries = [mapping(mapping(c).get("function")) for c in sequence(message.get("tool_calls"))]
    entries += (
        [mapping(message["function_call"])] if isinstance(message.get("function_call"), Mapping) else []
    )
    found = []
    for entry in entries:
        arguments = entry.get("arguments", "")
        shown = (
            arguments
            if isinstance(arguments, str)
            else json.dumps(arguments, ensure_ascii=False, default=str)
        )
        found.append((words(entry.get("name")), shown))
    return [(name, arguments) for name, arguments in found if name]


def _show(calls: list[tuple[str, str]]) -> list[str]:
    return [f"Action: {name}\n{fenced(arguments, 'json')}" for name, arguments in calls]


def _is_user(message: Mapping[str, Any]) -> bool:
    return words(message.get("role") or message.get("from")).lower() in ("user", "human")
