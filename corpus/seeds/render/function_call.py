"""A function call: the request, the tools at hand, the calls with their results, the answer."""

from __future__ import annotations

from corpus.seeds.records import FUNCTION_CALL, Draft, distinct, first_line, paragraphs
from corpus.seeds.render import parts
from corpus.seeds.render.shapes import Call, Request


def function_call(asked: Request) -> Draft:
    """It is empty where nothing is asked or nothing is called."""
    calls = [one for one in asked.calls if one.name or one.text.strip()]
    text = paragraphs(
        parts.block("System", asked.system, parts.MOST_SYSTEM),
        f"Request: {asked.request.strip()}",
        parts.facts(asked.facts),
        parts.tools(asked.tools),
        *[_shown(one) for one in calls],
        asked.explanation,
        f"Answer: {asked.answer.strip()}" if asked.answer.strip() else "",
    )
    whole = bool(asked.request.strip() and calls)
    return Draft(first_line(asked.request), text if whole else "", FUNCTION_CALL, distinct(asked.apis))


def _shown(made: Call) -> str:
    return paragraphs(parts.call("Call", made), parts.block("Result", made.result))
