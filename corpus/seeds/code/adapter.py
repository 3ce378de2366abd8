"""Source files and rows that hold one, to the documentation that is written in them.

Files by their suffix; rows in the form of StarCoder (`content` with a path or a language); rows of functions
that a model has documented (`documented_by`), which `corpus.seeds.code.missing` writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.code import python, reader
from corpus.seeds.code.entries import Module
from corpus.seeds.code.languages import LANGUAGES
from corpus.seeds.code.pages import drafts
from corpus.seeds.code.suffixes import BY_SUFFIX, language_of
from corpus.seeds.code.written import is_written, of_row
from corpus.seeds.records import Draft, words

_ALIASES = {"c++": "cpp", "golang": "go", "js": "javascript", "ts": "typescript", "py": "python"}
_PATHS = ("path", "max_stars_repo_path", "file_path", "filename", "file")
_REPOSITORIES = ("repo_name", "max_stars_repo_name", "repository_name", "repo")
_PREFIX = re.compile(r"\A(?:<(?:reponame|filename|gh_stars)>[^\n<]*)+\n?")  # StarCoder's own tokens
_CPP = re.compile(r"^\s*(?:class|namespace|template)\b|\bstd::", re.MULTILINE)


def accepts(path: str, value: Any) -> bool:
    if isinstance(value, str):
        return language_of(path) != ""
    if not isinstance(value, Mapping):
        return False
    return is_written(value) or (bool(words(value.get("content"))) and _language_of_row(value) != "")


def render(path: str, value: Any) -> Iterator[Draft]:
    """Raises Malformed for code that cannot be read in bounded time and memory."""
    if isinstance(value, Mapping) and is_written(value):
        yield from of_row(value)
        return
    for module in modules(path, value):
        yield from drafts(module, _where(path, value))


def modules(path: str, value: Any) -> Iterator[Module]:
    """The source files in an item: one, or none where a model has documented it already."""
    if isinstance(value, str):
        yield scan(path, value)
    elif not is_written(value):
        text = _PREFIX.sub("", str(value["content"]))
        yield scan(_file(value) or path, text, _language_of_row(value))


def scan(path: str, text: str, language: str = "") -> Module:
    """The declarations of a file. `language` where its name does not tell."""
    language = language or language_of(path)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if language == "python":
        return python.scan(path, text)
    if language == "c" and path.lower().endswith(".h") and _CPP.search(text):
        language = "cpp"
    return reader.read(text, LANGUAGES[language], _module_name(path, language))


def _language_of_row(row: Mapping[str, Any]) -> str:
    told = words(row.get("lang")) or words(row.get("language")) or words(row.get("ext"))
    name = told.lower().lstrip(".")
    language = _ALIASES.get(name, name)
    if language in LANGUAGES or language == "python":
        return language
    by_path = (language_of(words(row.get(key))) for key in _PATHS)
    return next(filter(None, by_path), BY_SUFFIX.get(name, ""))


def _file(row: Mapping[str, Any]) -> str:
    return next((words(row[key]) for key in _PATHS if words(row.get(key))), "")


def _where(path: str, value: Any) -> str:
    """A name for code that has none: its file, with the repository where a row tells it."""
    if isinstance(value, str):
        return path
    repository = next((words(value[key]) for key in _REPOSITORIES if words(value.get(key))), "")
    return "/".join(filter(None, (repository, _file(value)))) or path


def _module_name(path: str, language: str) -> str:
    """By what the members of a file are called where the file itself does not say: C has no such name."""
    if language in ("c", "cpp"):
        return ""
    parts = [part for part in re.split(r"[/\\]", path.removesuffix(".gz")) if part]
    stem = parts[-1].partition(".")[0] if parts else ""
    if stem in ("index", "mod", "lib", "main"):
        stem = next((part for part in reversed(parts[:-1]) if part not in ("src", "lib", "dist")), "")
    return stem if re.fullmatch(r"[A-Za-z_][\w-]*", stem) else ""
