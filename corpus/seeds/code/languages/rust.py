"""Rust, documented by rustdoc: Markdown behind `///` above, or `//!` within, what it is about."""

from __future__ import annotations

import re

from corpus.seeds.code.blocks import TYPE, VALUE, Head, Language
from corpus.seeds.code.entries import Doc

_ATTRIBUTE = re.compile(r"#!?\s?\[[^\]]*\]\s*")
_PUB = re.compile(r"^pub(?:\s*\([^)]*\))?\s+")
_FUNCTION = re.compile(
    r"^(?:default\s+)?(?:async\s+|const\s+|unsafe\s+|extern\s+(?:\"[^\"]*\"\s+)?)*fn\s+(\w+)"
)
_TYPE = re.compile(r"^(?:unsafe\s+)?(struct|enum|union|trait|mod|type|const|static)\s+(?:mut\s+)?(\w+)")
_IMPL = re.compile(r"^(?:unsafe\s+)?impl\b(?:\s*<[^{]*?(?<!-)>(?=\s+[\w&(!]))?\s*!?(.*)$")
_TARGET = re.compile(r"[&\s]*(?:'\w+\s+)?(?:dyn\s+)?(?:\w+::)*(\w+)")
_MACRO = re.compile(r"^macro_rules\s?!\s*(\w+)")
_KINDS = {"mod": "namespace", "const": "constant", "static": "constant"}
_MARKS = re.compile(r"^\s*(?://[/!]|/\*[*!]|\*/|\*(?!\*)) ?|\s*\*/\s*$")


def _head(head: str, around: str) -> Head | None:
    head = _ATTRIBUTE.sub("", head)
    plain = _PUB.sub("", head)
    shared = plain != head
    public = shared or around == TYPE  # members of a trait are as public as the trait
    if found := _FUNCTION.match(plain):
        return Head("method" if around == TYPE else "function", found[1], public=public, shared=shared)
    if found := _TYPE.match(plain):
        kind = _KINDS.get(found[1], found[1])
        return Head(kind, found[2], VALUE if kind == "constant" else TYPE, public)
    if found := _IMPL.match(plain):
        name = _TARGET.match(found[1].partition(" for ")[2] or found[1])
        return Head("impl", name[1], TYPE) if name else None
    if found := _MACRO.match(plain):
        return Head("macro", found[1])
    return None


def _doc(docs: list[str]) -> Doc:
    lines = (line for doc in docs for line in doc.splitlines())
    return Doc("\n".join(_MARKS.sub("", line) for line in lines).strip())


RUST = Language("rust", _head, _doc, inner=lambda comment: comment.startswith(("//!", "/*!")))
