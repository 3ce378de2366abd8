"""Go: the comment right above a declaration is its documentation; what begins with a capital is public."""

from __future__ import annotations

import re

from corpus.seeds.code.blocks import TYPE, VALUE, Head, Language
from corpus.seeds.code.entries import Doc

_FUNCTION = re.compile(r"^func\s+(?:\(\s*(?:\w+\s+)?\*?(\w+)(?:\[[^\]]*\])?\s*\)\s*)?(\w+)\s*[(\[]")
_TYPE = re.compile(r"^type\s+(\w+)(?:\[[^\]]*\])?\s+(?:=\s*)?(struct|interface)?")
_VALUE = re.compile(r"^(const|var)\s+(\w+)\b")
_MEMBER = re.compile(r"^([A-Z]\w*)\(")
_PACKAGE = re.compile(r"^package\s+(\w+)$")
_ORDER = re.compile(r"^//(?:go:|nolint|lint:|line |export |\s*\+build|\s*#nosec)")  # to tools, not to readers
_MARKS = re.compile(r"^\s*(?://|/\*+|\*/) ?|\s*\*/\s*$")


def _head(head: str, around: str) -> Head | None:
    if found := _FUNCTION.match(head):
        name = f"{found[1]}.{found[2]}" if found[1] else found[2]
        public = _public(found[2]) and (not found[1] or _public(found[1]))
        return Head("method" if found[1] else "function", name, public=public)
    if found := _TYPE.match(head):
        return Head(found[2] or "type", found[1], TYPE, _public(found[1]))
    if found := _VALUE.match(head):
        kind = "constant" if found[1] == "const" else "variable"
        return Head(kind, found[2], VALUE, _public(found[2]))
    if around == TYPE and (found := _MEMBER.match(head)):
        return Head("method", found[1])
    return None


def _public(name: str) -> bool:
    return name[:1].isupper()


def _doc(docs: list[str]) -> Doc:
    lines = [line for doc in docs for line in doc.splitlines() if not _ORDER.match(line)]
    return Doc("\n".join(_MARKS.sub("", line) for line in lines).strip())


def _module(head: str) -> str:
    found = _PACKAGE.match(head)
    return found[1] if found and found[1] != "main" else ""


GO = Language("go", _head, _doc, ends_lines=True, adjacent=True, module=_module)
