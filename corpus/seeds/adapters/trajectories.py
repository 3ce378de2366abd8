"""Action trajectories: chat messages in all forms, ReAct prompt collections, SWE-agent runs, text worlds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters import conversations
from corpus.seeds.adapters.calls import api_of
from corpus.seeds.adapters.steps import events_of, has_steps, is_world, world_events
from corpus.seeds.records import TEXT, Draft, first_line, mapping, sequence, words
from corpus.seeds.render import Call, Event, Run, trajectory
from corpus.seeds.render.parts import shortened

_MOST_TASK = 6_000
_NAMED = re.compile(r"[\w./\-]{1,60}")


def accepts(path: str, value: Any) -> bool:
    if isinstance(value, str):
        return has_steps(value) and not path.endswith((".md", ".markdown"))
    if not isinstance(value, Mapping):
        return False
    if "trajectory" in value or conversations.messages_of(value):
        return True
    texts = [text for text in value.values() if isinstance(text, str)]
    return bool(value) and len(texts) == len(value) and any(map(has_steps, texts))


def render(_path: str, value: Any) -> Iterator[Draft]:
    if isinstance(value, str):
        yield _prompt("", value)
    elif not _steps(value) and conversations.messages_of(value):
        yield conversations.row(value)
    elif "trajectory" in value:
        yield _run(value)
    else:
        for name, text in value.items():
            yield _prompt(f"{name}: {first_line(text, 80)}", text)


def _prompt(title: str, text: str) -> Draft:
    """A prompt with examples of runs; without steps it is a text as it is."""
    if not has_steps(text):
        return Draft(title or first_line(text), text.strip(), TEXT)
    events = world_events(text) if is_world(text) else events_of(text, "user")
    apis = [api_of(event.call) for event in events if event.call]
    return trajectory(Run(tuple(events), title=title, apis=tuple(apis)))


def _steps(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The steps of a SWE-agent run: thought, action and observation each."""
    steps = [mapping(one) for one in sequence(value.get("trajectory"))]
    return steps if any("action" in one or "observation" in one for one in steps) else []


def _run(value: Mapping[str, Any]) -> Draft:
    """A SWE-agent run; its task is the first user message that is no demonstration."""
    history = [mapping(one) for one in sequence(value.get("history"))]
    history = [one for one in history if words(one.get("role")) == "user" and not one.get("is_demo")]
    events = [Event("user", shortened(conversations.content_of(history[0]), _MOST_TASK))] if history else []
    called = []
    for step in _steps(value):
        action, thought = words(step.get("action")), words(step.get("thought"))
        called += [name for name in action.split()[:1] if _NAMED.fullmatch(name)]
        events += [Event("thought", thought)] if thought else []
        events += [Event("action", call=Call(text=action, language="bash"))] if action else []
        events += [Event("observation", words(step.get("observation")))]
    return trajectory(Run(tuple(events), apis=tuple(called)))
