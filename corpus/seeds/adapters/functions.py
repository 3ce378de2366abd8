"""Code with what it does: CodeSearchNet's functions with their documentation, StarCoder's files.

A file of StarCoder is taken if it says itself what it is for, in a leading docstring or comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.records import Draft, distinct, words
from corpus.seeds.render import Code, code

_CODE = ("func_code_string", "code", "whole_func_string", "function", "content", "snippet")
_ABOUT = ("func_documentation_string", "docstring", "documentation", "doc", "description", "explanation")
_NAMES = ("func_name", "name", "identifier", "function_name")
_FILES = ("max_stars_repo_path", "path", "func_path_in_repository")
_REPOSITORIES = ("max_stars_repo_name", "repository_name", "repo_name", "repo")
_PREFIX = re.compile(r"\A(?:<(?:reponame|filename|gh_stars)>[^\n<]*)+\n?")  # StarCoder's own tokens
_LEAD = re.compile(
    r"\A(?:#![^\n]*\n|\s|#(?!!)[^\n]*coding[^\n]*\n)*"
    r"(?:[rubf]{0,2}(?P<quote>\"\"\"|''')(?P<doc>.*?)(?P=quote)|/\*+(?P<block>.*?)\*/|(?P<lines>(?:(?:#|//)[^\n]*\n)+))",
    re.DOTALL | re.IGNORECASE,
)
_LICENCE = re.compile(r"copyright|licen[cs]e|all rights reserved|SPDX", re.IGNORECASE)
_LANGUAGES = {"py": "python", "js": "javascript", "ts": "typescript", "rb": "ruby", "rs": "rust"}


def accepts(_path: str, value: Any) -> bool:
    if not isinstance(value, Mapping) or not words(_first(value, _CODE)):
        return False
    documented = bool({"func_documentation_string", "func_code_string"} & set(value))
    named = any(key in value for key in (*_FILES, *_REPOSITORIES, "language", *_NAMES))
    explained = any(key in value for key in _ABOUT)
    return documented or (named and (explained or "content" in value))


def render(_path: str, value: Any) -> Iterator[Draft]:
    source = _PREFIX.sub("", words(_first(value, _CODE)))
    file, repository = words(_first(value, _FILES)), words(_first(value, _REPOSITORIES))
    about = words(_first(value, _ABOUT)) or _leading(source)
    name = words(_first(value, _NAMES))
    language = words(value.get("language") or value.get("lang")).lower()
    suffix = file.rpartition(".")[2] if "." in file else ""
    language = language or _LANGUAGES.get(suffix, suffix)
    facts = tuple(pair for pair in (("Repository", repository), ("File", file)) if pair[1])
    apis = distinct([name]) if name else ()
    yield code(Code(name or file, source, language, about, facts, apis))


def _first(value: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((value[key] for key in keys if value.get(key)), "")


def _leading(source: str) -> str:
    """What a file says of itself at its head; nothing where that is a licence."""
    found = _LEAD.match(source[:20_000])
    if found is None:
        return ""
    said = found["doc"] or found["block"] or found["lines"] or ""
    lines = [re.sub(r"^\s*(?:#+|//+|\*+)\s?", "", line).rstrip() for line in said.splitlines()]
    text = "\n".join(lines).strip()
    return "" if _LICENCE.search(text) or len(text.split()) < 5 else text
