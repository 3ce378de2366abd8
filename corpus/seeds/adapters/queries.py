"""A request with the functions at hand and the calls that answer it: xLAM and APIGen, NexusRaven, API-Bank.

xLAM keeps tools and answers as JSON in strings; NexusRaven keeps the function and its arguments in columns;
API-Bank writes the API's descriptions into the instruction and the call into the output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.calls import bracketed, structured
from corpus.seeds.adapters.tools import decoded, embedded_tools, named, tools_of
from corpus.seeds.apis import api_of_call
from corpus.seeds.records import TEXT, Draft, distinct, first_line, mapping, paragraphs, sequence, words
from corpus.seeds.render import Call, Request, Tool, function_call, parts, tool_doc

_ANSWERS = ("answers", "answer", "output", "ground_truth")
_API_REQUEST = re.compile(r"(?:API-Request:\s*)?\[\s*([A-Za-z_]\w*\(.*\))\s*\]\s*\Z", re.DOTALL)
_ORDER = re.compile(r"\n?Generate (?:API Request|AI Response)s?:\s*\Z", re.IGNORECASE)


def accepts(_path: str, value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    keys = set(value)
    return (
        bool({"query", "tools"} <= keys and keys & set(_ANSWERS))
        or {"prompt", "python_function_name"} <= keys
        or {"name", "args_dicts"} <= keys
        or {"dataset", "query_dict"} <= keys
        or _is_api_bank(value)
    )


def _is_api_bank(value: Mapping[str, Any]) -> bool:
    """Instruction, input, output: the form of all instruction data, here about an API."""
    keys = {"instruction", "input"} <= set(value) and ("output" in value or "expected_output" in value)
    return keys and "API" in words(value["instruction"])


def render(_path: str, value: Any) -> Iterator[Draft]:
    if "tools" in value:
        yield _xlam(value)
    elif "python_function_name" in value:
        yield _nexus(value)
    elif "args_dicts" in value:
        yield from (_definition(tool) for tool in tools_of(value))
    elif "query_dict" in value:
        found = mapping(decoded(value["query_dict"]))
        call = words(found.get("reference"))
        made = (Call(text=call, language="python"),)
        yield function_call(Request(words(found.get("query")), made, apis=(api_of_call(call),)))
    else:
        yield _api_bank(value)


def _xlam(value: Mapping[str, Any]) -> Draft:
    tools = tools_of(value["tools"])
    calls = tuple(structured(next((value[key] for key in _ANSWERS if key in value), [])))
    names = (*named(tools), *(call.name for call in calls))
    return function_call(Request(words(value["query"]), calls, tools, apis=names))


def _nexus(value: Mapping[str, Any]) -> Draft:
    name = words(value["python_function_name"])
    tools = tuple(Tool(words(one)) for one in sequence(value.get("context_functions")) if words(one))
    arguments = decoded(value.get("python_args_dict"))
    call = Call(name, arguments if isinstance(arguments, (str, Mapping)) else {})
    return function_call(Request(words(value["prompt"]), (call,), tools, apis=(name,)))


def _definition(tool: Tool) -> Draft:
    return tool_doc(Tool(tool.name, tool.about, parameters=tool.parameters, apis=(tool.name,)))


def _api_bank(value: Mapping[str, Any]) -> Draft:
    """A turn of API-Bank: an API request to make, or else the reply to give, which is plain conversation."""
    tools, order = embedded_tools(words(value["instruction"]))
    said = _ORDER.sub("", words(value["input"])).strip()
    output = words(value.get("output")) or words(value.get("expected_output"))
    found = _API_REQUEST.match(output)
    calls = tuple(bracketed(found[1])) if found else ()
    if calls:
        names = (*named(tools), *(call.name for call in calls))
        return function_call(Request(said or order, calls, tools, apis=names))
    text = paragraphs("" if tools else order, parts.tools(tools), said, output)
    return Draft(first_line(said or order), text if output else "", TEXT, distinct(named(tools)))
