"""A trajectory: the task, then thoughts, actions and observations in their order."""

from __future__ import annotations

from corpus.seeds.records import TEXT, TRAJECTORY, Draft, distinct, first_line, paragraphs
from corpus.seeds.render import parts
from corpus.seeds.render.shapes import Event, Run

_WORDS = {"thought": "Thought", "assistant": "Assistant", "user": "User"}


def trajectory(run: Run) -> Draft:
    """A conversation in which nothing is done or observed is plain text, no trajectory."""
    acts = any(event.who in ("action", "observation", "thought") for event in run.events)
    task = next((event for event in run.events if event.who == "user" and event.text.strip()), None)
    shown = [_shown(event, "Task" if acts and event is task else "") for event in run.events]
    text = paragraphs(parts.facts(run.facts), parts.tools(run.tools), *shown)
    title = run.title or (first_line(task.text) if task else "") or first_line(text)
    return Draft(title, text if any(shown) else "", TRAJECTORY if acts else TEXT, distinct(run.apis))


def _shown(event: Event, word: str) -> str:
    if event.who == "action" and event.call:
        return parts.call("Action", event.call)
    if event.who == "observation":
        return parts.block("Observation", event.text)
    if event.who == "system":
        return parts.block("System", event.text, parts.MOST_SYSTEM)
    word = word or _WORDS.get(event.who, event.who.title() or "Message")
    return f"{word}: {event.text.strip()}" if event.text.strip() else ""
