"""Values out of data on a terminal: nothing in them moves the cursor, colours the screen or hides text."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from typing import Any, TextIO

from rich.cells import cell_len, chop_cells

# C0 and C1 controls, DEL, separators of lines, marks that turn the direction of text, and half characters.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
LABEL = 20  # columns of the names beside the values


def safe(text: str) -> str:
    """The text with every control character written out, such as \\x1b; line ends and tabs stay."""
    return _CONTROLS.sub(_written, text.replace("\r\n", "\n"))


def one_line(value: Any, most: int = 0) -> str:
    """A value on one line, at most so many characters (0: all)."""
    text = safe(shown(value)).replace("\n", "\\n").replace("\t", "\\t")
    return cut(text, most)


def cut(text: str, most: int) -> str:
    return f"{text[:most]} ... ({len(text):,} characters)" if most and len(text) > most else text


def shown(value: Any) -> str:
    """A value as people write it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bytes):
        return f"{value[:16].hex()}{'...' if len(value) > 16 else ''} ({len(value):,} bytes)"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def as_json(value: Any) -> str:
    """One line of JSON; control characters that JSON would let through are written as \\u escapes."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


class Paper:
    """Where text goes: how wide it is, and whether it takes colours."""

    def __init__(self, stream: TextIO | None = None, *, width: int = 0, colour: bool | None = None) -> None:
        self.stream = stream or sys.stdout
        terminal = self.stream.isatty()
        self.width = max(width or (shutil.get_terminal_size().columns if terminal else 100), 40)
        self.colour = terminal and "NO_COLOR" not in os.environ if colour is None else colour

    def styled(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and text else text

    def entry(self, name: str, value: Any, most: int = 0) -> list[str]:
        """A name and its value, wrapped beside it; a value of many lines below it."""
        label = self.styled(f"{name:<{LABEL}}", "cyan")
        text = safe(shown(value)).expandtabs(4)
        text = cut(text, most)
        if "\n" in text:
            return [label.rstrip(), *(f"    {line}" for line in self.wrapped(text, self.width - 4))]
        first, *rest = self.wrapped(text, self.width - LABEL - 1) or [""]
        return [f"{label} {first}", *(" " * (LABEL + 1) + line for line in rest)]

    def wrapped(self, text: str, width: int) -> list[str]:
        lines: list[str] = []
        for line in text.split("\n"):
            lines += _fitted(line, width)
        return lines


def _fitted(line: str, width: int) -> list[str]:
    """One line as lines that fit, cut between words where it is made of narrow characters."""
    if cell_len(line) <= width:
        return [line]
    if cell_len(line) != len(line):
        return chop_cells(line, width)
    indent = line[: len(line) - len(line.lstrip())][: width // 2]
    return textwrap.wrap(
        line, width, subsequent_indent=indent, replace_whitespace=False, break_on_hyphens=False
    )
