"""JavaScript and TypeScript, documented by JSDoc or TSDoc."""

from __future__ import annotations

import re

from corpus.seeds.code import comments
from corpus.seeds.code.blocks import BODY, CONTROL, TYPE, VALUE, Head, Language

_DECORATOR = re.compile(r"@[\w.]+(?:\s?\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*")
_MODIFIERS = re.compile(
    r"^(?:(?:export|default|declare|abstract|async|public|protected|static|readonly|override|get|set)"
    r"\s+(?=[\w$*\[{(#]))*\*?\s*"
)
_TYPE = re.compile(r"^(?:const\s+)?(class|interface|enum|namespace|module)\s+([\w$.]+)")
_FUNCTION = re.compile(r"^function\s*\*?\s*([\w$]+)\s*[<(]")
_ALIAS = re.compile(r"^type\s+([\w$]+)[^=]*=")
_VARIABLE = re.compile(r"^(?:const|let|var)\s+([\w$]+)[^=]*=\s*(.*)$")
_ASSIGNED = re.compile(r"^((?:[\w$]+\.)+[\w$]+)\s*=\s*(.*)$")
_MEMBER = re.compile(r"^([\w$]+)\s*\??\s*(?:<[^()]*>\s*)?\(")
_KEY = re.compile(r"^([\w$]+)\s*[?!]?\s*:\s*(.*)$")
_CALLABLE = re.compile(r"^(?:async\s+)?(?:function\b|\(|[\w$]+\s*=>|<)")
_EXPORTS = re.compile(r"^(?:module\.exports|exports|window|global|globalThis|root|this)\.?")
_PRIVATE = re.compile(r"(?:private\b|(?:static\s+)?#)")
_ABOUT_FILE = re.compile(r"@(?:file|fileoverview|overview|module|packageDocumentation)\b")


def _head(head: str, around: str) -> Head | None:
    head = _DECORATOR.sub("", head).strip()
    exported, private = head.startswith("export"), bool(_PRIVATE.match(head))
    head = _MODIFIERS.sub("", head)
    found = _declared(head)
    if found is not None:
        return found
    if head in ("module.exports =", "exports =") or (exported and not head):
        return Head("object", "", VALUE, transparent=True)
    return _member(head, private) if around in (TYPE, VALUE) else None


def _declared(head: str) -> Head | None:
    if found := _TYPE.match(head):
        return Head(found[1], found[2], TYPE)
    if found := _FUNCTION.match(head):
        return Head("function", found[1])
    if found := _ALIAS.match(head):
        return Head("type", found[1], VALUE)
    if found := _VARIABLE.match(head):
        return _value(found[1], found[2])
    if found := _ASSIGNED.match(head):
        name = _EXPORTS.sub("", found[1]).replace(".prototype", "")
        return _value(name, found[2]) if name else None
    return None


def _value(name: str, value: str) -> Head:
    if _CALLABLE.match(value):
        return Head("function", name, public=not name.rpartition(".")[2].startswith("_"))
    return Head("constant" if value else "object", name, VALUE)


def _member(head: str, private: bool) -> Head | None:
    if (found := _MEMBER.match(head)) and found[1] not in CONTROL:
        return Head("method", found[1], public=not private and not found[1].startswith("_"))
    if found := _KEY.match(head):
        kind = "method" if _CALLABLE.match(found[2]) else "property"
        return Head(kind, found[1], BODY if kind == "method" else VALUE, not private)
    return None


def _language(name: str) -> Language:
    return Language(
        name,
        _head,
        lambda docs: comments.block(docs[-1], name),
        inner=lambda comment: bool(_ABOUT_FILE.search(comment[:5_000])),
        ends_lines=True,
        wrapped=True,
    )


JAVASCRIPT, TYPESCRIPT = _language("javascript"), _language("typescript")
