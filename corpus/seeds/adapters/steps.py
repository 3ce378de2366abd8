"""The steps that agents write into plain text, taken apart: thought, action with its input, observation.

Notations: ReAct with and without numbers, AgentInstruct's Think/Act, LangChain's `Action Input`, and the
command prompt of text worlds (`> go to desk 1`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus.seeds.render import Call, Event

_MARK = re.compile(
    r"^[ \t]*(Thought|Think|Reasoning|Action Input|Action|Act|Observation|Final Answer|Question|Answer)"
    r"(?:[ \t]+\d+)?[ \t]*:[ \t]*",
    re.MULTILINE | re.IGNORECASE,
)
_STEP = re.compile(r"^\s*(?:Thought|Think|Action|Act|Observation)(?: \d+)?\s*:", re.MULTILINE | re.IGNORECASE)
_WORLD = re.compile(
    r"^> (?:think|go|take|put|open|use|look|clean|heat|cool|examine|inventory)\b", re.MULTILINE
)
_FENCE = re.compile(
    r"\A(?P<name>[\w.\- ]{0,80}?)\s{0,20}```(?P<language>\w*)\n(?P<code>.*?)\n?```\s*\Z", re.DOTALL
)
_WHO = {
    "thought": "thought",
    "think": "thought",
    "reasoning": "thought",
    "action": "action",
    "act": "action",
    "observation": "observation",
    "question": "user",
    "answer": "assistant",
    "final answer": "assistant",
}


def has_steps(text: str) -> bool:
    """Whether a text shows an agent's steps."""
    return len(_STEP.findall(text)) >= 2 or is_world(text)


def is_world(text: str) -> bool:
    return len(_WORLD.findall(text)) >= 2


def events_of(text: str, who: str) -> list[Event]:
    """What a message of `who` holds: its steps where it has any, else the message as it is."""
    marks = list(_MARK.finditer(text))
    if not any(mark[1].lower() in ("thought", "think", "action", "act", "observation") for mark in marks):
        return [Event(who, text.strip())] if text.strip() else []
    head = text[: marks[0].start()].strip()
    pieces = [(mark[1].lower(), body) for mark, body in zip(marks, _bodies(text, marks))]
    return [*([Event(who, head)] if head else []), *_events(pieces)]


def _bodies(text: str, marks: list[re.Match[str]]) -> list[str]:
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [text[mark.end() : end].strip() for mark, end in zip(marks, ends)]


def _events(pieces: list[tuple[str, str]]) -> Iterator[Event]:
    number = 0
    while number < len(pieces):
        word, body = pieces[number]
        number += 1
        if word == "action input":  # without an action before it
            yield Event("action", call=Call(text=body))
        elif _WHO[word] != "action":
            if body:
                yield Event(_WHO[word], body)
        elif number < len(pieces) and pieces[number][0] == "action input":
            given = pieces[number][1]
            yield Event("action", call=Call(body, given) if body else Call(text=given))
            number += 1
        elif body:
            yield Event("action", call=action(body))


def action(text: str) -> Call:
    """A textual action; code in a fence becomes the call itself."""
    fence = _FENCE.match(text.strip())
    if fence is None:
        return Call(text=text.strip())
    language = fence["language"] or fence["name"].strip().lower()
    return Call(text=fence["code"], language=language if language.isalnum() else "")


def world_events(text: str) -> list[Event]:
    """A run in a text world: lines behind `> ` are actions, the lines below them what was seen."""
    events: list[Event] = []
    seen: list[str] = []

    def observed() -> None:
        body = "\n".join(seen).strip()
        if body:
            events.append(Event("observation" if events else "user", body))
        seen.clear()

    for line in text.strip().splitlines():
        if not line.startswith("> "):
            seen.append(line)
            continue
        observed()
        said = line[2:].strip()
        thought = said[6:].strip() if said.lower().startswith("think:") else ""
        events.append(Event("thought", thought) if thought else Event("action", call=Call(text=said)))
    observed()
    return events
