"""Parts that the renderers share: facts, parameters, tools in short form, calls, observations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from corpus.seeds.records import fenced, paragraphs
from corpus.seeds.render.shapes import Call, Parameter, Tool

MOST_OBSERVED = 3_000  # characters of an observation: a directory listing of a megabyte teaches nothing
MOST_SYSTEM = 6_000
MOST_ABOUT = 1_000
MOST_PARAMETERS = 120
MOST_TOOLS = 60


def heading(title: str, body: str, level: int = 2) -> str:
    return f"{'#' * level} {title}\n\n{body}" if body.strip() else ""


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """`Label: value` lines."""
    return "\n".join(f"{label}: {one_line(value)}" for label, value in pairs if value.strip())


def one_line(text: str, most: int = MOST_ABOUT) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3].rstrip() + "..."


def parameters(found: Iterable[Parameter], indent: str = "") -> str:
    """A list of `name` (type, place, required): what it means."""
    lines = []
    for one in list(found)[:MOST_PARAMETERS]:
        needed = {True: "required", False: "optional", None: ""}[one.required]
        traits = ", ".join(part for part in (one.type, one.where, needed) if part)
        shown = f"{indent}- `{one_line(one.name, 200)}`" + (f" ({one_line(traits, 300)})" if traits else "")
        lines.append(f"{shown}: {one_line(one.about)}" if one.about.strip() else shown)
    return "\n".join(lines)


def tools(found: Iterable[Tool]) -> str:
    """Tools at hand in short form: name, what it does, its parameters below."""
    lines = []
    for one in list(found)[:MOST_TOOLS]:
        lines.append(f"- `{one_line(one.name, 200)}`" + (f": {one_line(one.about)}" if one.about else ""))
        if one.parameters:
            lines.append(parameters(one.parameters, indent="  "))
    return "Tools:\n\n" + "\n".join(lines) if lines else ""


def call(word: str, made: Call) -> str:
    """A call behind `word` (Call, Action): its name with its arguments as JSON, or the text as it is."""
    if made.name:
        return paragraphs(f"{word}: {one_line(made.name, 300)}", fenced(arguments(made.arguments), "json"))
    if "\n" in made.text.strip() or made.language:
        return f"{word}:\n{fenced(made.text, made.language)}" if made.text.strip() else ""
    return f"{word}: {made.text.strip()}" if made.text.strip() else ""


def arguments(value: Mapping[str, Any] | str | None) -> str:
    """Arguments as JSON; text that is no JSON stays as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return str(value).strip()
    if value is None or value == {}:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str)


def block(word: str, text: str, most: int = MOST_OBSERVED) -> str:
    """`Word: text` for one line, a fenced block for several; shortened in the middle."""
    text = shortened(text.strip(), most)
    if not text:
        return ""
    return f"{word}:\n{fenced(text)}" if "\n" in text else f"{word}: {text}"


def shortened(text: str, most: int = MOST_OBSERVED) -> str:
    """`text` with its middle left out, and saying so, where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    left = most // 2
    return f"{text[:left]}\n[... {len(text) - 2 * left:,} characters left out ...]\n{text[-left:]}"
