"""Java, documented by Javadoc."""

from __future__ import annotations

import re

from corpus.seeds.code import comments
from corpus.seeds.code.blocks import CONTROL, TYPE, VALUE, Head, Language

_ANNOTATION = re.compile(r"@(?!interface\b)[\w.]+(?:\s?\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*")
_TYPE = re.compile(r"^(?:[\w\s-]*\s)?(class|interface|enum|record|@\s?interface)\s+(\w+)")
_METHOD = re.compile(r"^((?:[\w.<>\[\],?&\s]*[\w>\]]\s+)?)(\w+)\s*\(")
_FIELD = re.compile(r"^(?:public|protected)\s+[\w.<>\[\],?\s]*?\b(\w+)\s*(?:=|$)")
_PRIVATE = re.compile(r"(?:\w+\s+)*private\b")
_PACKAGE = re.compile(r"^package\s+([\w.]+)$")


def _head(head: str, around: str) -> Head | None:
    head = _ANNOTATION.sub("", head).strip()
    public = not _PRIVATE.match(head)
    if found := _TYPE.match(head.partition("(")[0]):
        return Head(found[1].lstrip("@ "), found[2], TYPE, public)
    if around != TYPE:
        return None
    method = _METHOD.match(head)
    if method and method[2] not in CONTROL and "new" not in method[1].split():
        return Head("method", method[2], public=public)
    field = _FIELD.match(head)
    return Head("constant", field[1], VALUE) if field else None


def _module(head: str) -> str:
    found = _PACKAGE.match(head)
    return found[1] if found else ""


JAVA = Language(
    "java",
    _head,
    lambda docs: comments.block(docs[-1], "java"),
    module=_module,
    written=lambda signature: _ANNOTATION.sub("", signature),
)
