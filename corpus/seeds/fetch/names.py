"""Names that come from servers and archives, made safe before they become paths."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

MOST_NAME, MOST_PATH = 200, 1_000
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|\ud800-\udfff]")
_SIDECAR = "source.yaml"  # only the fetch itself says what a source is


def safe_path(name: str) -> str | None:
    """`name` as a relative path of plain parts, or None where it is none that a folder should hold."""
    parts = name.split("/")
    if not name or len(name) > MOST_PATH or _UNFIT.search(name):
        return None
    for part in parts:
        if part in ("", ".", "..") or part.startswith(("_", ".")) or len(part.encode("utf-8")) > MOST_NAME:
            return None
    return None if parts[-1].lower() == _SIDECAR else name


def is_wanted(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path matches one of the globs: `*` stays within a folder, `**` does not."""
    return any(_matches(name.split("/"), pattern.split("/")) for pattern in patterns)


def _matches(parts: list[str], pattern: list[str]) -> bool:
    if not parts or not pattern:
        return not parts and not any(one != "**" for one in pattern)
    if pattern[0] == "**":
        return any(_matches(parts[number:], pattern[1:]) for number in range(len(parts) + 1))
    return fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def is_plain(pattern: str) -> bool:
    """Whether a pattern names one file."""
    return not any(sign in pattern for sign in "*?[")
