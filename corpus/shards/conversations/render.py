"""A conversation as text: in the plain form of this project, or through a tokenizer's chat template.

The plain form is what the column `text` of the set `sft` holds, and what tokens are counted on where the
tokenizer has no chat template. Parts are separated by an empty line:

    tools:
    [{"type": "function", ...}]

    user:
    What is the time in Oslo?

    assistant:
    call: {"name": "time", "arguments": {"city": "Oslo"}}

    tool:
    12:00
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tokenizers import Tokenizer

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.shards.conversations.schema import for_template

_CONFIG, _JINJA = "tokenizer_config.json", "chat_template.jinja"
_TOOL_TEMPLATE, _DEFAULT_TEMPLATE = "tool_use", "default"
REFUSED = "chat_template"

Messages = Sequence[Mapping[str, Any]]
Counter = Callable[[Messages, "str | None"], "int | None"]


def plain(messages: Messages, tools: str | None) -> str:
    """The conversation in the plain form."""
    parts = [f"tools:\n{tools}"] if tools else []
    for one in messages:
        lines = [one["content"]] if one["content"] else []
        lines += [f"call: {_call(each['function'])}" for each in one["tool_calls"] or ()]
        parts.append("\n".join([f"{one['role']}:", *lines]))
    return "\n\n".join(parts)


def _call(function: Mapping[str, str]) -> str:
    name = json.dumps(function["name"], ensure_ascii=False)
    return f'{{"name": {name}, "arguments": {function["arguments"]}}}'


@lru_cache(maxsize=4)
def token_counter(folder: str) -> Counter | None:
    """Counts the tokens of a conversation as the chat template of the tokenizer in `folder` writes it.

    None where it has no template. A count is None where the template refuses the conversation. Special
    tokens of the template count as one each, as in `apply_chat_template`. Templates run in a sandbox without
    a clock. Raises UserError for a template that is none.
    """
    settings = _settings(folder)
    sources = _templates(folder, settings)
    if not sources:
        return None
    compiled = {name: _compile(source, folder) for name, source in sources.items()}
    tokenizer = Tokenizer.from_str(storage.read_bytes(storage.join(folder, "tokenizer.json")).decode("utf-8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    names = {key: word for key in settings if key.endswith("_token") and (word := _token(settings[key]))}

    def count(messages: Messages, tools: str | None) -> int | None:
        given = for_template(messages, tools)
        template = compiled[_TOOL_TEMPLATE if tools and _TOOL_TEMPLATE in compiled else _DEFAULT_TEMPLATE]
        try:
            text = template.render(messages=given["conversation"], tools=given["tools"], **names)
        except Exception:  # the code of a template is foreign, and raises what it likes
            return None
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count


def _settings(folder: str) -> dict[str, Any]:
    path = storage.join(folder, _CONFIG)
    found = json.loads(storage.read_bytes(path)) if storage.exists(path) else {}
    return found if isinstance(found, dict) else {}


def _templates(folder: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Templates by name; a file beside the configuration goes before what stands in it."""
    given = settings.get("chat_template")
    found: dict[str, str] = {}
    if isinstance(given, str):
        found = {_DEFAULT_TEMPLATE: given}
    elif isinstance(given, list):
        found = {str(one.get("name")): str(one.get("template")) for one in given if isinstance(one, dict)}
    beside = storage.join(folder, _JINJA)
    if storage.exists(beside):
        found[_DEFAULT_TEMPLATE] = storage.read_bytes(beside).decode("utf-8")
    return found if _DEFAULT_TEMPLATE in found else {}


def _token(value: Any) -> str:
    word = value.get("content") if isinstance(value, dict) else value
    return word if isinstance(word, str) else ""


def _compile(source: str, folder: str) -> Any:
    try:
        from jinja2 import TemplateError
        from jinja2.ext import Extension
        from jinja2.nodes import CallBlock, Node
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise UserError(
            f"the tokenizer in {storage.redact(folder)} has a chat template, which needs the package jinja2; "
            "install hephaestus-forge[train]."
        ) from error

    class Generation(Extension):
        """`{% generation %}` marks what the assistant says; for counting it changes nothing."""

        tags = {"generation"}  # noqa: RUF012 - as the base class declares it

        def parse(self, parser: Any) -> Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return CallBlock(self.call_method("_pass"), [], [], body).set_lineno(line)

        def _pass(self, caller: Callable[[], str]) -> str:
            return caller()

    def refuse(words: str) -> None:
        raise TemplateError(words)

    def to_json(value: Any, indent: int | None = None, **more: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent, **more)

    extensions = [Generation, "jinja2.ext.loopcontrols"]
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=extensions)
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = refuse
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise UserError(f"the chat template in {storage.redact(folder)} is broken: {error}.") from error
