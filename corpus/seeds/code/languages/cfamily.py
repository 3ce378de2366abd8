"""C and C++, documented by Doxygen."""

from __future__ import annotations

import re

from corpus.seeds.code import comments
from corpus.seeds.code.blocks import CONTROL, TYPE, VALUE, Head, Language
from corpus.seeds.code.entries import Doc

_PREFIX = re.compile(
    r"^(?:(?:public|protected|private|signals|public slots)\s*:(?!:)\s*"
    r"|template\s*<[^{;]*?>\s*(?=[\w\[~:])|\[\[[^\]]*\]\]\s*"
    r"|__attribute__\s*\(\([^)]*\)\)\s*|extern\s+\"C\"\s*)+"
)
_NAMESPACE = re.compile(r"^(?:inline\s+)?namespace\b\s*([\w:]*)$")
_TYPE = re.compile(
    r"^(?:typedef\s+)?(class|struct|union|enum(?:\s+class|\s+struct)?)\s+"
    r"(?:[A-Z_]{2,}\s+)?([\w:]+)(?:\s+final)?\s*(?::(?!:).*)?$"
)
_ALIAS = re.compile(r"^using\s+(\w+)\s*=|^typedef\b.*\(\s*\*\s*(\w+)\s*\)\s*\(|^typedef\s.*?\b(\w+)$")
_FUNCTION = re.compile(r"^((?:[\w:<>,*&\s\[\]]*[\s*&>])?)((?:\w+::)*(?:~?\w+|operator\s?[^\s(]+))\s*\(")
_ARGUMENTS = re.compile(r"<[\w\s,*&]*>(?=::)")  # of a template, in the name of its member
_DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)")
_MOST_DEFINE = 600  # characters of a macro that is shown
_INITIALISED = re.compile(r"\)[\w\s]*:(?!:)[^;]*\w\s*$")
_TAG_WITHIN = re.compile(r"(?<=\S)[ \t]+(?=[@\\](?:param|returns?|retval|throws?)\b)")
_LINE = re.compile(r"^\s*//[/!] ?")
_ABOUT_FILE = re.compile(r"[@\\]file\b")


def _head(head: str, around: str) -> Head | None:
    head = _PREFIX.sub("", head)
    if found := _NAMESPACE.match(head):
        return Head("namespace", found[1].replace("::", "."), TYPE, bool(found[1]))
    if found := _TYPE.match(head):
        return Head(found[1].split()[0], found[2].replace("::", "."), TYPE)
    if found := _ALIAS.match(head):
        return Head("type", found[1] or found[2] or found[3], VALUE)
    return _function(head, around)


def _function(head: str, around: str) -> Head | None:
    found = _FUNCTION.match(_ARGUMENTS.sub("", head))
    if not found or found[2] in CONTROL or head.startswith((",", "return ", "else ")):
        return None
    typed = found[1].split()
    if not typed and around != TYPE and "::" not in found[2]:
        return None  # a call or the use of a macro: a function has a type
    member = around == TYPE or "::" in found[2]
    public = around == TYPE or "static" not in typed
    return Head("method" if member else "function", found[2].replace("::", "."), public=public)


def _directive(line: str) -> Head | None:
    found = _DEFINE.match(line)
    return Head("macro", found[1], VALUE) if found and len(line) < _MOST_DEFINE else None


def _written(signature: str) -> str:
    """Without what is no part of the call: labels of access, the list of initialisers."""
    plain = re.sub(r"^(?:(?:public|protected|private|signals|public slots)\s*:(?!:)\s*)+", "", signature)
    return re.sub(r"(\)(?:\s*noexcept)?)\s+:(?!:)\s.*$", r"\1", plain)


def _language(name: str) -> Language:
    def doc(docs: list[str]) -> Doc:
        if docs[-1].startswith("/*"):
            return comments.block(_TAG_WITHIN.sub("\n", docs[-1]), name)
        lines = [line for doc in docs if not doc.startswith("/*") for line in doc.splitlines()]
        return comments.tagged("\n".join(_LINE.sub("", line) for line in lines), name)

    return Language(
        name,
        _head,
        doc,
        inner=lambda comment: comment.startswith("/*") and bool(_ABOUT_FILE.search(comment[:2_000])),
        directive=_directive,
        initialises=(lambda head: bool(_INITIALISED.search(head[-400:]))) if name == "cpp" else None,
        written=_written,
    )


C, CPP = _language("c"), _language("cpp")
