"""Planning in natural language: a goal with its steps, as lists, as numbered text, or as PlanBench has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.tools import decoded
from corpus.seeds.records import Draft, mapping, sequence, words
from corpus.seeds.render import Plan, plan

_GOALS = ("goal", "task", "query", "instruction", "prompt", "question", "prompt_0shot", "input")
_PLANS = ("ground_truth_plan", "golden_plan", "plan", "steps", "subgoals", "annotated_plan")
_STEPS = ("step", "subgoal", "action", "description", "text")
_FACTS = (("Domain", "domain"), ("Environment", "environment"))
_NUMBER = re.compile(r"^\s*(?:(?:step|subgoal)\s*)?\d+\s*[.:)]\s*", re.IGNORECASE)
_BULLET = re.compile(r"^\s*[-*]\s+")


def accepts(_path: str, value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return _goal(value) != "" and any(value.get(key) for key in _PLANS)


def render(_path: str, value: Any) -> Iterator[Draft]:
    found = decoded(next(value[key] for key in _PLANS if value.get(key)))
    facts = tuple((label, words(value.get(key))) for label, key in _FACTS)
    goal = _goal(value)
    if "[STATEMENT]" in goal:  # PlanBench's prompts: the last is the question, those before it are examples
        goal = goal.rpartition("[STATEMENT]")[2].partition("[PLAN]")[0].strip()
    yield plan(Plan(goal, tuple(_steps(found)), facts=facts))


def _goal(value: Mapping[str, Any]) -> str:
    return next((words(value[key]) for key in _GOALS if words(value.get(key))), "")


def _steps(found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, str):
        lines = [line for line in found.splitlines() if line.strip() and line.strip() != "[PLAN END]"]
        yield from ((_BULLET.sub("", _NUMBER.sub("", line)).strip(), "") for line in lines)
        return
    for one in sequence(found):
        step = mapping(one)
        what = next((words(step[key]) for key in _STEPS if step.get(key)), "")
        came = next((words(step[key]) for key in ("result", "outcome", "observation") if step.get(key)), "")
        yield what or words(one), came
