"""Markdown pages of shell commands in the form of tldr-pages.

A page has a title, a quoted summary, and examples with their commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from corpus.seeds.records import TOOL_DOC, Draft, distinct, words

_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_COMMAND = re.compile(r"^`([^`\n]+)`\s*$", re.MULTILINE)
_QUOTE = re.compile(r"^> ", re.MULTILINE)
_FOLDER = re.compile(r"(?:^|/)pages\.([a-z]{2})(?:_[A-Z]{2})?/")
_PLAIN = re.compile(r"(?:^|/)pages/")


def accepts(_path: str, value: Any) -> bool:
    """A title, a quoted summary, and at least one line that is a command in backticks."""
    return (
        isinstance(value, str)
        and value.lstrip().startswith("# ")
        and bool(_QUOTE.search(value) and _COMMAND.search(value))
    )


def render(path: str, value: Any) -> Iterator[Draft]:
    found = _TITLE.search(value)
    title = words(found.group(1)) if found else ""
    yield Draft(title, value.strip(), TOOL_DOC, distinct([title]), _language(path))


def _language(path: str) -> str | None:
    """tldr keeps translations in `pages.<language>/` and English in `pages/`."""
    found = _FOLDER.search(path)
    if found:
        return found.group(1)
    return "en" if _PLAIN.search(path) else None
