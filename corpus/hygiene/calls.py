"""Function calls of gold answers in one form, whatever notation a benchmark writes them in.

A call is its name and its arguments. Arguments are compared one by one, so that their order and the notation
(Python, JSON, lists of name and value) do not matter.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_NAME_KEYS = (
    "name",
    "api_name",
    "tool",
    "tool_name",
    "action",
    "task",
    "function_name",
    "function",
    "api",
    "id",
)
_ARGUMENT_KEYS = (
    *("arguments", "args", "kwargs", "parameters", "params", "param_dict", "action_input", "tool_input"),
    *("input", "arguments_json"),
)
_LONGEST = 20_000  # characters of a call's source; the parser's own depth is bounded by it
_DEEPEST = 6


@dataclass(frozen=True)
class Call:
    """`arguments` are (name, accepted values as text); an empty text: the argument may be absent."""

    name: str
    arguments: tuple[tuple[str, tuple[str, ...]], ...]


def calls_in(value: Any) -> tuple[Call, ...]:
    """All calls of a gold answer; empty where it is no call, or where a part of it is none."""
    try:
        return tuple(_calls(value, 0))
    except (_NoCallError, RecursionError):
        return ()


class _NoCallError(Exception):
    pass


def _calls(value: Any, depth: int) -> Iterator[Call]:
    if depth > _DEEPEST:
        raise _NoCallError
    if isinstance(value, str):
        yield from _from_source(value)
    elif isinstance(value, list):
        for item in value:
            yield from _calls(item, depth + 1)
    elif isinstance(value, Mapping):
        yield from _from_mapping(value)
    else:
        raise _NoCallError


def _from_mapping(value: Mapping[str, Any]) -> Iterator[Call]:
    inner = value.get("function")
    if isinstance(inner, Mapping):  # {"type": "function", "function": {"name": ..., "arguments": ...}}
        yield from _from_mapping(inner)
        return
    low = {str(key).lower(): item for key, item in value.items()}
    name = next((low[key] for key in _NAME_KEYS if isinstance(low.get(key), str)), None)
    given = next((low[key] for key in _ARGUMENT_KEYS if key in low), None)
    if name is not None and given is not None:
        yield Call(name, _arguments(given))
    elif value and all(isinstance(item, Mapping) for item in value.values()):
        # {function: {argument: [accepted values]}}
        for function, arguments in value.items():
            yield Call(str(function), tuple((str(k), _accepted(v)) for k, v in arguments.items()))
    else:
        raise _NoCallError


def _arguments(given: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return (("", (given,)),)
    if isinstance(given, Mapping):
        return tuple((str(key), (_plain(item),)) for key, item in given.items())
    if isinstance(given, list):
        return tuple(
            (str(item.get("name", "")), (_plain(item.get("value", "")),))
            if isinstance(item, Mapping)
            else ("", (_plain(item),))
            for item in given
        )
    return (("", (_plain(given),)),)


def _accepted(value: Any) -> tuple[str, ...]:
    """Accepted values of one argument: a list states alternatives."""
    return tuple(_plain(item) for item in value) if isinstance(value, list) and value else (_plain(value),)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _from_source(text: str) -> Iterator[Call]:
    """Python call expressions: `f(a=1)`, `[f(1), g(b="x")]`."""
    if "(" not in text or len(text) > _LONGEST:
        raise _NoCallError
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError) as error:
        raise _NoCallError from error
    for node in tree.elts if isinstance(tree, (ast.List, ast.Tuple)) else [tree]:
        if not isinstance(node, ast.Call):
            raise _NoCallError
        positional = [("", (_source(item),)) for item in node.args]
        named = [(keyword.arg or "", (_source(keyword.value),)) for keyword in node.keywords]
        yield Call(ast.unparse(node.func), (*positional, *named))


def _source(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)
