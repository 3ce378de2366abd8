"""What a conversation must be to be trained on. Each rule has a reason of its own in the ledger.

Order: one system turn at most, in front; then the user, then assistant and user by turns. An assistant
turn may call tools; then the results of all its calls follow, and the assistant speaks again. What stands
behind the last assistant turn teaches nothing and is cut off.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby, pairwise

from corpus.shards.conversations.schema import (
    ASSISTANT,
    SYSTEM,
    TOOL,
    USER,
    Conversation,
    Message,
    UnfitError,
)

NO_ASSISTANT, EMPTY_TURN, ROLES = "no_assistant", "empty_turn", "roles"
TOOL_WITHOUT_CALL, CALL_WITHOUT_RESULT = "tool_without_call", "call_without_result"
ARGUMENTS, CALL_NAME, UNDECLARED = "arguments_not_json", "call_without_name", "undeclared_tool"


def checked(found: Conversation) -> Conversation:
    """The conversation in its final form. Raises UnfitError with the reason if it breaks a rule."""
    messages = _joined([{**one, "tool_calls": one["tool_calls"] or None} for one in found.messages])
    while messages and messages[-1]["role"] != ASSISTANT:
        messages.pop()
    if not messages:
        raise UnfitError(NO_ASSISTANT)
    messages = _with_call_ids(messages)
    _check_turns(messages)
    _check_order(messages)
    declared = {tool["function"]["name"] for tool in found.tools}
    for one in messages:
        _check_calls(one, declared)
    return Conversation(tuple(messages), found.tools, found.key)


def _joined(messages: Sequence[Message]) -> list[Message]:
    """An assistant's words and the call that follows them directly are one turn."""
    made: list[Message] = []
    for one in messages:
        last = made[-1] if made else None
        calls = one["role"] == ASSISTANT and one["tool_calls"]
        if calls and last and last["role"] == ASSISTANT and not last["tool_calls"]:
            content = "\n\n".join(part for part in (last["content"], one["content"]) if part.strip())
            made[-1] = {**one, "content": content}
        else:
            made.append(one)
    return made


def _with_call_ids(messages: list[Message]) -> list[Message]:
    """Calls without an id get one; results without one go to the open calls, by name or in order."""
    made, waiting, number = [], [], 0
    for one in messages:
        if one["tool_calls"]:
            calls = []
            for each in one["tool_calls"]:
                number += 1
                calls.append({**each, "id": each["id"] or f"call_{number}"})
            waiting = list(calls)
            made.append({**one, "tool_calls": calls})
        elif one["role"] == TOOL:
            answered = _answered(one, waiting)
            waiting.remove(answered)
            made.append({**one, "tool_call_id": answered["id"], "name": answered["function"]["name"]})
        else:
            made.append(one)
    return made


def _answered(result: Message, waiting: Sequence[Message]) -> Message:
    own = result["tool_call_id"]
    for each in waiting:
        if own and each["id"] == own:
            return each
    by_name = [each for each in waiting if result["name"] and each["function"]["name"] == result["name"]]
    if own or not waiting:
        raise UnfitError(TOOL_WITHOUT_CALL)
    return (by_name or waiting)[0]


def _check_turns(messages: Sequence[Message]) -> None:
    """Results of tools may be empty: many tools answer nothing."""
    for one in messages:
        if one["role"] != TOOL and not one["content"].strip() and not one["tool_calls"]:
            raise UnfitError(EMPTY_TURN)


def _check_order(messages: Sequence[Message]) -> None:
    turns = [(role, list(group)) for role, group in groupby(messages, key=lambda one: one["role"])]
    if turns[0][0] == SYSTEM:
        turns = turns[1:] if len(turns[0][1]) == 1 else []
    if not turns or turns[0][0] != USER:
        raise UnfitError(ROLES)
    for (before, group), (after, results) in pairwise(turns):
        calls = group[-1]["tool_calls"] if before == ASSISTANT else None
        if after == SYSTEM or (after == TOOL) != bool(calls) or (before == TOOL and after != ASSISTANT):
            raise UnfitError(CALL_WITHOUT_RESULT if calls else ROLES)
        if calls and len(results) != len(calls):
            raise UnfitError(CALL_WITHOUT_RESULT)
    if any(len(group) > 1 for role, group in turns if role in (USER, ASSISTANT)):
        raise UnfitError(ROLES)


def _check_calls(one: Message, declared: set[str]) -> None:
    for each in one["tool_calls"] or ():
        name, arguments = each["function"]["name"], each["function"]["arguments"]
        if not name.strip():
            raise UnfitError(CALL_NAME)
        if declared and name not in declared:
            raise UnfitError(UNDECLARED)
        try:
            if not isinstance(json.loads(arguments), dict):
                raise UnfitError(ARGUMENTS)
        except (ValueError, RecursionError) as error:
            raise UnfitError(ARGUMENTS) from error
