"""What the renderers take: plain records without text of their own. Empty fields are left out of the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One argument or field. `required` is None where the source does not say; `where` as in path, query."""

    name: str
    about: str = ""
    type: str = ""
    required: bool | None = None
    where: str = ""


@dataclass(frozen=True)
class Example:
    code: str
    language: str = ""
    title: str = "Example"


@dataclass(frozen=True)
class Tool:
    """A documented tool, function, model or HTTP operation. `call` is how it is written when it is called."""

    name: str
    about: str = ""
    call: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    sections: tuple[tuple[str, str], ...] = ()
    examples: tuple[Example, ...] = ()
    title: str = ""
    apis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """A call by name and arguments, or as it is written (`text`); `result` is what came back."""

    name: str = ""
    arguments: Mapping[str, Any] | str | None = None
    text: str = ""
    language: str = ""
    result: str = ""


@dataclass(frozen=True)
class Request:
    """A request, the tools at hand, and the calls that serve it."""

    request: str
    calls: tuple[Call, ...]
    tools: tuple[Tool, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    explanation: str = ""
    answer: str = ""
    system: str = ""
    apis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """One thing that happens in a run. `who`: system, user, thought, action, observation or assistant."""

    who: str
    text: str = ""
    call: Call | None = None


@dataclass(frozen=True)
class Run:
    """A trajectory: the tools at hand, then what happened, in order."""

    events: tuple[Event, ...]
    tools: tuple[Tool, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    title: str = ""
    apis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Code:
    """Code and what is said of it. `name` is dotted where the source gives the module too."""

    name: str
    code: str
    language: str = ""
    about: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    apis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A goal and the steps towards it; each step is (what to do, what came of it)."""

    goal: str
    steps: tuple[tuple[str, str], ...]
    tools: tuple[Tool, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    apis: tuple[str, ...] = ()
