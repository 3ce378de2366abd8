"""A question as a request: its body, its name in the cache, and what it can cost at most."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.engine.endpoint.budget import Cost
from corpus.engine.endpoint.config import JSON_OBJECT, JSON_SCHEMA, EndpointConfig

Message = dict[str, str]
_OVERHEAD = 256  # tokens that a chat template may add to the messages
_SHOWN = 2_000  # characters of a wrong answer that the model is shown again


@dataclass(frozen=True)
class Ask:
    """One question. `key` is the caller's own name for it; `schema` is what the answer must fit."""

    key: str
    system: str
    user: str
    schema: Mapping[str, Any]


def messages_of(ask: Ask) -> list[Message]:
    """The schema stands in the prompt in any case: not every endpoint enforces or even accepts one."""
    form = json.dumps(ask.schema, sort_keys=True)
    system = f"{ask.system.rstrip()}\n\nAnswer with one JSON object that fits this JSON schema:\n{form}"
    return [{"role": "system", "content": system}, {"role": "user", "content": ask.user}]


def again(messages: Sequence[Message], answer: str, wrong: Sequence[str]) -> list[Message]:
    """The question once more, with the wrong answer and what is wrong with it."""
    told = "; ".join(wrong[:5])[:600]
    ask = f"That answer does not fit: {told}. Answer again, with the JSON object alone."
    return [
        *messages[:2],
        {"role": "assistant", "content": answer[:_SHOWN] or "(nothing)"},
        {"role": "user", "content": ask},
    ]


def body_of(config: EndpointConfig, messages: Sequence[Message], ask: Ask, form: str) -> dict[str, Any]:
    """The request. `form` says how the schema is enforced: json_schema, json_object, or not at all."""
    body: dict[str, Any] = {"model": config.model, "messages": list(messages), **config.extra}
    body[config.limit_key] = config.max_tokens
    if config.temperature is not None:
        body["temperature"] = config.temperature
    if config.seed is not None:
        body["seed"] = config.seed
    if form == JSON_SCHEMA:
        wanted = {"name": "answer", "strict": True, "schema": ask.schema}
        body["response_format"] = {"type": JSON_SCHEMA, "json_schema": wanted}
    elif form == JSON_OBJECT:
        body["response_format"] = {"type": JSON_OBJECT}
    return body


def cache_key(config: EndpointConfig, ask: Ask) -> str:
    """sha256 of all that decides the answer: model, messages, schema and parameters. Neither address nor key:
    one model served at two places is one model."""
    body = body_of(config, messages_of(ask), ask, JSON_SCHEMA)
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode("ascii")).hexdigest()


def worst(config: EndpointConfig, body: Mapping[str, Any]) -> Cost:
    """A bound on what a request costs: no tokenizer of bytes makes more tokens than there are bytes."""
    size = sum(len(message["content"].encode("utf-8", "replace")) for message in body["messages"])
    form = len(json.dumps(body.get("response_format", "")))
    return Cost(size + form + _OVERHEAD, config.max_tokens)
