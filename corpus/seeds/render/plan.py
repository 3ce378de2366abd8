"""A plan in natural language: the goal, then numbered steps, each with what came of it where it is known."""

from __future__ import annotations

from corpus.seeds.records import PLAN, Draft, distinct, first_line, paragraphs
from corpus.seeds.render import parts
from corpus.seeds.render.shapes import Plan


def plan(found: Plan) -> Draft:
    """It is empty without a goal or without steps."""
    steps = [(what.strip(), came.strip()) for what, came in found.steps if what.strip()]
    text = paragraphs(
        f"Goal: {found.goal.strip()}",
        parts.facts(found.facts),
        parts.tools(found.tools),
        "Plan:\n\n" + "\n".join(_step(number, *step) for number, step in enumerate(steps, 1)),
    )
    whole = bool(steps and found.goal.strip())
    return Draft(first_line(found.goal), text if whole else "", PLAN, distinct(found.apis))


def _step(number: int, what: str, came: str) -> str:
    line = f"{number}. {' '.join(what.split())}"
    return f"{line}\n   Result: {parts.one_line(came)}" if came else line
