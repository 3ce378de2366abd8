"""JSON schemas inside an OpenAPI document: references, types in words, rows of fields, an example value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.seeds.records import mapping, sequence, words

DEPTH, MOST_FIELDS = 4, 60


class Document:
    """A parsed specification that follows references within itself (RFC 6901 pointers) and nowhere else."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def resolve(self, value: Any) -> Mapping[str, Any]:
        """The mapping behind `value`, through at most 16 references.

        It is empty where a reference leads nowhere or out of the document.
        """
        for _ in range(16):
            reference = mapping(value).get("$ref")
            if not isinstance(reference, str):
                return mapping(value)
            if not reference.startswith("#/"):
                return {}
            value = self._at(reference[2:].split("/"))
        return {}

    def _at(self, steps: list[str]) -> Any:
        node: Any = self.root
        for step in steps:
            node = mapping(node).get(step.replace("~1", "/").replace("~0", "~"))
        return node


def describe_type(document: Document, schema: Mapping[str, Any], depth: int = 0) -> str:
    """The type in words: `string (date-time)`, `array of Pet`, `one of: a, b`."""
    if depth > DEPTH or not schema:
        return "any"
    kind = schema.get("type")
    name = " or ".join(words(k) for k in kind) if isinstance(kind, list) else words(kind)
    if name == "array" or "items" in schema:
        return "array of " + describe_type(document, document.resolve(schema.get("items")), depth + 1)
    for word in ("oneOf", "anyOf", "allOf"):
        options = [
            describe_type(document, document.resolve(o), depth + 1) for o in sequence(schema.get(word))[:4]
        ]
        if options and not name:
            return (" and " if word == "allOf" else " or ").join(dict.fromkeys(options))
    name = name or ("object" if "properties" in schema else "any")
    choices = [words(c) for c in sequence(schema.get("enum"))[:12]]
    if choices:
        return f"{name}, one of: {', '.join(choices)}"
    form = words(schema.get("format"))
    return f"{name} ({form})" if form else name


def properties(
    document: Document, schema: Mapping[str, Any], depth: int = 0
) -> tuple[dict[str, Any], set[str]]:
    """Fields and required names of an object, those of `allOf` merged in."""
    fields: dict[str, Any] = {}
    required: set[str] = set()
    if depth > DEPTH:
        return fields, required
    for part in sequence(schema.get("allOf"))[:8]:
        inner, needed = properties(document, document.resolve(part), depth + 1)
        fields.update(inner)
        required |= needed
    for name, value in list(mapping(schema.get("properties")).items())[:MOST_FIELDS]:
        fields[str(name)] = value
    required |= {str(name) for name in sequence(schema.get("required"))}
    return fields, required


def field_rows(document: Document, schema: Mapping[str, Any]) -> list[tuple[str, str, bool, str]]:
    """(name, type, whether required, description) per field of an object, or of an array's objects."""
    if words(schema.get("type")) == "array":
        schema = document.resolve(schema.get("items"))
    fields, required = properties(document, schema)
    rows = []
    for name, raw in list(fields.items())[:MOST_FIELDS]:
        inner = document.resolve(raw)
        about = words(inner.get("description"))
        rows.append((name, describe_type(document, inner), name in required, about))
    return rows


def example_of(document: Document, schema: Mapping[str, Any], depth: int = 0) -> Any:  # noqa: PLR0911
    """The schema's own example, or one made from its types; None beyond the depth limit."""
    for key in ("example", "default"):
        if key in schema and (key == "example" or not isinstance(schema[key], Mapping)):
            return schema[key]
    if sequence(schema.get("enum")):
        return sequence(schema["enum"])[0]
    if depth >= DEPTH or not schema:
        return None
    kind = words(schema.get("type"))
    if kind == "array" or "items" in schema:
        inner = example_of(document, document.resolve(schema.get("items")), depth + 1)
        return [] if inner is None else [inner]
    fields, _ = properties(document, schema)
    if fields:
        made = {n: example_of(document, document.resolve(f), depth + 1) for n, f in list(fields.items())[:20]}
        return {name: value for name, value in made.items() if value is not None}
    for word in ("oneOf", "anyOf"):
        for option in sequence(schema.get(word))[:1]:
            return example_of(document, document.resolve(option), depth + 1)
    return {"string": "string", "integer": 0, "number": 0.0, "boolean": True}.get(kind)
