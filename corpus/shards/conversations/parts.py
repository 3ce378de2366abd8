"""What all styles share: turns, roles, contents, calls and tools out of values that may be anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from corpus.shards.conversations import calls
from corpus.shards.conversations.schema import ASSISTANT, SYSTEM, TOOL, USER, UnfitError

NO_CONVERSATION, UNKNOWN_ROLE, NOT_TEXT = "no_conversation", "unknown_role", "not_text"
TOOLS, CALLS = "tools_not_json", "calls_not_json"
CALL = "call"  # a turn that is a call and nothing else
ROLES = {
    **dict.fromkeys(("system", "developer"), SYSTEM),
    **dict.fromkeys(("user", "human", "prompter"), USER),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatgpt", "bard", "bing"), ASSISTANT),
    **dict.fromkeys(("tool", "function", "observation", "function_response", "function-response"), TOOL),
    **dict.fromkeys(("function_call", "function-call", "tool_call"), CALL),
}

Record = Mapping[str, Any]


def turns_in(record: Record, *names: str) -> Sequence[Record]:
    found = next((record[name] for name in names if isinstance(record.get(name), list)), None)
    if not found or not all(isinstance(turn, Mapping) for turn in found):
        raise UnfitError(NO_CONVERSATION)
    return [turn for turn in found if isinstance(turn, Mapping)]


def role_of(value: Any) -> str:
    role = ROLES.get(value.strip().lower()) if isinstance(value, str) else None
    if role is None:
        raise UnfitError(UNKNOWN_ROLE)
    return role


def content_of(value: Any) -> str:
    """Text, or the text parts of a list of parts; pictures and sounds are no text."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list):
        texts = [part.get("text") if isinstance(part, Mapping) else part for part in value]
        if all(isinstance(text, str) for text in texts):
            return "".join(str(text) for text in texts)
    raise UnfitError(NOT_TEXT)


def reading(read: Callable[[], Any], reason: str = CALLS) -> Any:
    try:
        return read()
    except ValueError as error:
        raise UnfitError(reason) from error


def tools_in(record: Record) -> tuple[Mapping[str, Any], ...]:
    given = next((record[name] for name in ("tools", "functions") if record.get(name)), None)
    found: tuple[Mapping[str, Any], ...] = reading(lambda: calls.tools_of(given), TOOLS)
    return found


def are_tools(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    named = (isinstance(one, Mapping) and isinstance(one.get("name"), str) for one in items)
    return bool(items) and all(named)
