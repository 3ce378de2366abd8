"""Lumos: annotations of a planning module (sub-goals) and of a grounding module (sub-goals to actions).

Both are chats of two sides. Planning rows become plans, with what came of each sub-goal where the chat says
so; grounding rows become function calls with the modules that the prompt lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.calls import api_of
from corpus.seeds.adapters.conversations import content_of, messages_of, row
from corpus.seeds.records import Draft, words
from corpus.seeds.render import Call, Plan, Request, Tool, function_call, plan

_PLANNING = re.compile(r"subgoal[- ]based plan|Please provide a reasonable subgoal", re.IGNORECASE)
_GROUNDING = re.compile(r"ground the given subgoal|Subgoals? to be grounded", re.IGNORECASE)
_TASK = re.compile(r"^Task:\s*(.+?)(?:; Initial Environment Description:\s*(.+?))?\s*$", re.MULTILINE)
_SUBGOAL = re.compile(r"Subgoal \d+:\s*(.*?)(?=;?\s*Subgoal \d+:|\Z)", re.DOTALL)
_RESULT = re.compile(r"executed result for Subgoal \d+ is\s*(.*?)(?:\.?\s*Should we stop.*)?\Z", re.DOTALL)
_AVAILABLE = re.compile(r"available action list is ['\"]?([^'\"\n]+)", re.IGNORECASE)
_TO_GROUND = re.compile(r"Subgoals? to be grounded:\s*(.+)\Z", re.DOTALL)
_ACTION = re.compile(r"(?:^|;\s*)(?=R\d+\s*=|R\d+,)")
_CALLED = re.compile(r"=\s*([A-Za-z_]\w*)\s*\(")
_GO_ON = re.compile(r"(?:No, I will keep planning\.?|Yes, I will stop planning\.?)\s*", re.IGNORECASE)

_MOST = 20_000  # characters of a message that are looked at; those of Lumos are far shorter


def accepts(_path: str, value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    first = next((content_of(one) for one in messages_of(value)), "")[:_MOST]
    return bool(_PLANNING.search(first) or _GROUNDING.search(first))


def render(_path: str, value: Any) -> Iterator[Draft]:
    messages = [
        (words(m.get("role") or m.get("from")).lower(), content_of(m)[:_MOST]) for m in messages_of(value)
    ]
    first = messages[0][1]
    found = _grounding(first, messages) if _GROUNDING.search(first) else _planning(first, messages)
    yield found if found.text else row(value)  # a turn of another form stays a conversation


def _planning(first: str, messages: list[tuple[str, str]]) -> Draft:
    task = _TASK.search(first)
    steps: list[tuple[str, str]] = []
    for role, text in messages[1:]:
        if role in ("assistant", "gpt"):
            said = " ".join(_GO_ON.sub("", text).split())
            steps += [(what.strip(" ;"), "") for what in _SUBGOAL.findall(said)]
        elif steps and (came := _RESULT.search(" ".join(text.split()))):
            steps[-1] = (steps[-1][0], came[1].strip())
    around = task[2] if task and task[2] and task[2].strip(". ").lower() != "none" else ""
    facts = (("Environment", around),) if around else ()
    return plan(Plan(task[1] if task else "", tuple(steps), facts=facts))


def _grounding(first: str, messages: list[tuple[str, str]]) -> Draft:
    listed = _AVAILABLE.search(first)
    names = [name.strip() for name in listed[1].split(",")] if listed else []
    goals, calls = [], []
    for role, text in messages:
        if role in ("assistant", "gpt"):
            calls += [Call(text=part.strip(" ;")) for part in _ACTION.split(text) if part.strip(" ;")]
        elif to_ground := _TO_GROUND.search(text):
            goals.append(to_ground[1].strip())
    task = _TASK.search(first)
    asked = "\n".join([*([task[1]] if task else []), *goals])
    called = [name for call in calls for name in _CALLED.findall(call.text) or [api_of(call)]]
    tools = tuple(Tool(name) for name in names if name)
    return function_call(Request(asked, tuple(calls), tools, apis=(*names, *called)))
