"""Which style a record is in, and its conversations, each checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from corpus.shards.conversations import styles, trajectories
from corpus.shards.conversations.checks import checked
from corpus.shards.conversations.parts import NO_CONVERSATION, Record
from corpus.shards.conversations.schema import Conversation, UnfitError

AUTO = "auto"


@dataclass(frozen=True)
class Style:
    """A style and the sets of fields of which one tells it."""

    name: str
    marks: tuple[frozenset[str], ...]
    convert: Callable[[Record], Iterator[Conversation]]


def _style(name: str, convert: Callable[[Record], Iterator[Conversation]], *marks: str) -> Style:
    return Style(name, tuple(frozenset(mark.split()) for mark in marks), convert)


# In the order in which they are tried. What two styles share, `_other` tells apart by its content.
STYLES = (
    _style("toolbench", trajectories.toolbench, "answer_generation"),
    _style(
        "toolalpaca",
        trajectories.toolalpaca,
        "Function_Description Instances",
        "Function_Description Instructions",
    ),
    _style("xlam", styles.xlam, "query answers tools"),
    _style("glaive", styles.glaive, "system chat"),
    _style("toolace", styles.toolace, "system conversations"),
    _style("sharegpt", styles.sharegpt, "conversations"),
    _style("agent-flan", styles.openai, "conversation"),
    _style("openai", styles.openai, "messages"),
    _style("swe-agent", styles.openai, "history"),
    _style("alpaca", styles.alpaca, "instruction output"),
)
BY_NAME = {style.name: style for style in STYLES}
FORMATS = (AUTO, *BY_NAME)
# Columns that the styles read; others of a table are not. The last three are those of a container of seeds.
FIELDS = frozenset(
    {field for style in STYLES for mark in style.marks for field in mark}
    | {"id", "tools", "functions", "system", "query", "answers", "instruction", "input", "output"}
    | {"Instances", "Instructions", "Golden_Answers", "language", "source", "licence", "license", "path"}
    | {"text", "file", "origin"}
)


def unwrap(record: Record) -> Record:
    """The item in a row of a seed container (origin, file, text), else the record itself."""
    text = record.get("text")
    if isinstance(text, str) and {"origin", "file"} <= set(record):
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return inner if isinstance(inner, dict) else {}
    return record


def detect(record: Record) -> str:
    """The style of a record, by the fields that are filled; empty if it is none."""
    there = {key for key, value in record.items() if value is not None}
    for style in STYLES:
        if any(mark <= there for mark in style.marks) and not _other(style.name, record):
            return style.name
    return ""


def _other(name: str, record: Record) -> bool:
    """Fields that two styles share: their content tells."""
    if name == "toolace":
        return not ('"name"' in str(record["system"]) and "[" in str(record["system"]))
    if name in ("sharegpt", "agent-flan"):
        turns = record[next(iter(BY_NAME[name].marks[0]))] if name in BY_NAME else None
        first = turns[0] if isinstance(turns, list) and turns else None
        keys: Collection[str] = first if isinstance(first, Mapping) else ()
        return name == "sharegpt" and "from" not in keys and "role" in keys
    return False


def conversations(record: Record, style: str = AUTO) -> Iterator[Conversation | UnfitError]:
    """The conversations of a record; for each that breaks a rule, the finding with its reason."""
    name = detect(record) if style == AUTO else style
    found: list[Conversation | UnfitError] = []
    try:
        if not name:
            raise UnfitError(NO_CONVERSATION)
        for one in BY_NAME[name].convert(record):
            found.append(one)  # those before a broken one stay
    except UnfitError as error:
        found.append(error)
    for each in found:
        yield each if isinstance(each, UnfitError) else _checked(each)


def _checked(found: Conversation) -> Conversation | UnfitError:
    try:
        return checked(found)
    except UnfitError as error:
        return error
