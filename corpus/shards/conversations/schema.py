"""One conversation: messages as chat templates take them, and the tools that they may call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from corpus.shards.sources.values import clean

SYSTEM, USER, ASSISTANT, TOOL = "system", "user", "assistant", "tool"
CALL_TYPE = pa.struct(
    [
        ("id", pa.string()),
        ("type", pa.string()),
        ("function", pa.struct([("name", pa.string()), ("arguments", pa.string())])),
    ]
)
MESSAGE_TYPE = pa.struct(
    [
        ("role", pa.string()),
        ("content", pa.string()),
        ("tool_calls", pa.list_(CALL_TYPE)),
        ("tool_call_id", pa.string()),
        ("name", pa.string()),
        ("loss", pa.bool_()),
    ]
)
MESSAGES_TYPE = pa.list_(MESSAGE_TYPE)

Message = dict[str, Any]


class UnfitError(ValueError):
    """The record is no conversation that a model may learn from; `reason` is what the ledger says of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Conversation:
    """`tools` in the form {"type": "function", "function": {...}}; `key` names the record in its data set."""

    messages: tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    key: str = ""

    @property
    def tools_json(self) -> str | None:
        return dumps(list(self.tools)) if self.tools else None


def message(role: str, content: str = "", **more: Any) -> Message:
    """A message with all the fields of the schema; `loss` false says that it is not to be learnt."""
    fields = {"tool_calls": None, "tool_call_id": None, "name": None, "loss": None}
    return {"role": role, "content": clean(content), **fields, **more}


def call(name: str, arguments: Any, own_id: str = "") -> dict[str, Any]:
    """A tool call; arguments are a mapping, or JSON as text, which `check` looks into."""
    text = clean(arguments) if isinstance(arguments, str) else dumps(arguments)
    return {"id": own_id, "type": "function", "function": {"name": clean(name), "arguments": text}}


def function(name: str, description: str, parameters: Any) -> dict[str, Any]:
    """A tool in the form that chat templates take."""
    inner = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": inner}


def dumps(value: Any) -> str:
    return clean(json.dumps(value, ensure_ascii=False, default=str))


def for_template(messages: Sequence[Mapping[str, Any]], tools: str | None) -> dict[str, Any]:
    """Keyword arguments for `tokenizer.apply_chat_template`: no empty fields, arguments as mappings.

    Templates ask whether a field is there at all, and write arguments as JSON themselves.
    """
    made = []
    for one in messages:
        kept = {key: value for key, value in one.items() if value is not None and key != "loss"}
        if calls := one.get("tool_calls"):
            kept["tool_calls"] = [
                {**c, "function": {**c["function"], "arguments": json.loads(c["function"]["arguments"])}}
                for c in calls
            ]
        made.append(kept)
    return {"conversation": made, "tools": json.loads(tools) if tools else None}
