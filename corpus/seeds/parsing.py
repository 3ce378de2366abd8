"""Text of unknown form to plain values: JSON, JSON lines and YAML, each with bounds against hostile input."""

from __future__ import annotations

import json
from typing import Any

import yaml

from corpus.seeds.code.suffixes import SUFFIXES as CODE_SUFFIXES
from corpus.seeds.records import Malformed

MOST_ALIASES, MOST_MERGED = 2_000, 100_000
MOST_DEPTH = 200  # libyaml composes nested nodes on the C stack, which deeper documents would overflow
_TEXT_SUFFIXES = (".md", ".markdown", ".mdx", ".rst", ".txt", ".csv", *CODE_SUFFIXES)
_YAML_SUFFIXES = (".yaml", ".yml")
LINES_SUFFIXES = (".jsonl", ".ndjson")

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _BoundedLoader(_Base):  # type: ignore[misc]
    """safe_load that refuses documents whose merge keys multiply."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.merged = 0

    def flatten_mapping(self, node: Any) -> None:
        super().flatten_mapping(node)
        self.merged += len(node.value)
        if self.merged > MOST_MERGED:
            raise Malformed(f"YAML merge keys give more than {MOST_MERGED} entries")


def parse(path: str, text: str) -> Any:
    """The value in `text`: a mapping, a list, or the text itself. Raises Malformed, and nothing else.

    The name of the file decides; without a telling name, whatever starts like JSON must be JSON.
    """
    name, body = path.lower().removesuffix(".gz"), text.lstrip("\ufeff \t\r\n")
    if name.endswith(_TEXT_SUFFIXES):
        return text
    try:
        if name.endswith(_YAML_SUFFIXES):
            _check_events(text)
            return yaml.load(text, Loader=_BoundedLoader)  # noqa: S506  (a safe loader, bounded above)
        if name.endswith(LINES_SUFFIXES) or body[:1] in ("{", "["):
            return _json(body)
    except Malformed:
        raise
    except Exception as error:  # PyYAML's constructors raise whatever int(), dict[...] and match() raise
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Malformed(f"{type(error).__name__}: {first}") from error
    return text


def _check_events(text: str) -> None:
    """Refuse documents that nest too deep, or name earlier parts so often that they unfold without end."""
    aliases = depth = 0
    for event in yaml.parse(text, Loader=_Base):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if aliases > MOST_ALIASES:
            raise Malformed(f"more than {MOST_ALIASES} YAML aliases")
        if depth > MOST_DEPTH:
            raise Malformed(f"YAML nested deeper than {MOST_DEPTH}")


def _json(body: str) -> Any:
    """JSON; where that fails, JSON lines that stand in a file named as JSON (APIBench ships such files)."""
    try:
        return json.loads(body)
    except ValueError:
        lines = [line for line in body.split("\n") if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines):
            raise
        return [json.loads(line) for line in lines]
