"""Runs on web sites: Mind2Web's recorded actions, and WebShop's recorded states and actions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.calls import api_of
from corpus.seeds.adapters.tools import decoded
from corpus.seeds.records import Draft, mapping, sequence, words
from corpus.seeds.render import Call, Event, Run, trajectory

# `[button]  Book Now -> CLICK` and `[textbox]  City -> TYPE: Boston`
_REPRESENTED = re.compile(
    r"^\[(?P<tag>[^\]]*)\]\s*(?P<label>.*?)\s*->\s*(?P<op>[A-Z]+)(?::\s*(?P<value>.*))?$", re.DOTALL
)
_MOST_SHOWN = 5_000  # characters of an action that are taken apart
_FACTS = (("Website", "website"), ("Domain", "domain"), ("Subdomain", "subdomain"))


def accepts(_path: str, value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    if {"confirmed_task", "action_reprs"} <= set(value):
        return True
    return {"states", "actions"} <= set(value) and bool(sequence(value["states"]))


def render(_path: str, value: Any) -> Iterator[Draft]:
    yield _mind2web(value) if "action_reprs" in value else _webshop(value)


def _mind2web(value: Mapping[str, Any]) -> Draft:
    """The pages themselves are left out: megabytes of markup per step."""
    shown = [words(one) for one in sequence(decoded(value["action_reprs"]))]
    calls = [_action(one) for one in shown if one]
    events = [Event("user", words(value["confirmed_task"])), *(Event("action", call=call) for call in calls)]
    facts = tuple((label, words(value.get(key))) for label, key in _FACTS)
    apis = tuple(call.name or api_of(call) for call in calls)
    return trajectory(Run(tuple(events) if calls else (), facts=facts, apis=apis))


def _action(shown: str) -> Call:
    found = _REPRESENTED.match(shown) if len(shown) <= _MOST_SHOWN else None
    if found is None:
        return Call(text=shown)
    element = {"element": found["tag"].strip(), "label": found["label"].strip()}
    return Call(found["op"], {**element, **({"value": found["value"]} if found["value"] else {})})


def _webshop(value: Mapping[str, Any]) -> Draft:
    """Pairs of what the page shows and what was done; the first state holds the instruction."""
    states = [words(one) for one in sequence(value["states"])]
    actions = [words(mapping(one).get("action")) or words(one) for one in sequence(value["actions"])]
    events: list[Event] = []
    for number, state in enumerate(states):
        events.append(Event("observation" if number else "user", state))
        if number < len(actions) and actions[number]:
            events.append(Event("action", call=Call(text=actions[number])))
    apis = tuple(api_of(event.call) for event in events if event.call)
    return trajectory(Run(tuple(events) if apis else (), apis=apis))
