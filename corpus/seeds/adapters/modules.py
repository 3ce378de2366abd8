"""Documentation of modules as JSON: a module, class or function with its text and its members.

Libraries' documentation exported by `pydoc`-like tools has this form, hub pages of models have it without
members. Keys: name (or module), doc (or docstring, description), signature, members (functions, classes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.tools import tools_of
from corpus.seeds.records import Draft, mapping, sequence, words
from corpus.seeds.render import Example, Tool, tool_doc

_NAMES = ("qualname", "fullname", "module", "name", "title")
_TEXTS = ("doc", "docstring", "documentation", "text")
_MEMBERS = ("members", "functions", "classes", "methods", "children")
_DEEPEST = 6


def accepts(_path: str, value: Any) -> bool:
    if not isinstance(value, Mapping) or not _first(value, _NAMES):
        return False
    described = bool(_first(value, _TEXTS))
    return any(isinstance(value.get(key), (list, Mapping)) for key in _MEMBERS) or (
        described and ("signature" in value or "module" in value)
    )


def render(_path: str, value: Any) -> Iterator[Draft]:
    """One page per member that is documented, and one of the module itself."""
    yield from _pages(value, "", 0)


def _pages(value: Mapping[str, Any], parent: str, depth: int) -> Iterator[Draft]:
    name = _first(value, _NAMES)
    if parent and not name.startswith(parent + "."):
        name = f"{parent}.{name}"
    signature = words(value.get("signature"))
    call = f"{name}{signature}" if signature.startswith("(") else signature
    about = _first(value, _TEXTS) or words(value.get("description"))
    (described,) = tools_of({"name": name, "parameters": value.get("parameters")}) or (Tool(name),)
    example = words(value.get("example")) or words(value.get("examples"))
    examples = (Example(example),) if example else ()
    if about or described.parameters:
        apis = (name,) if call or parent else ()
        yield tool_doc(Tool(name, about, call, parameters=described.parameters, examples=examples, apis=apis))
    if depth < _DEEPEST:
        for key in _MEMBERS:
            for member in _members(value.get(key)):
                yield from _pages(member, name, depth + 1)


def _members(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield {"name": str(name), **(mapping(member) or {"doc": words(member)})}
        return
    for member in map(mapping, sequence(value)):
        if _first(member, _NAMES):
            yield member


def _first(value: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((words(value[key]) for key in keys if words(value.get(key))), "")
