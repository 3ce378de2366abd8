"""Counts of a run: rows of groups to the manifest's facts, and the facts as a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

NO_LICENCE = "none stated"


@dataclass(frozen=True)
class Group:
    """Candidates of one source, kind, licence, reason and error: how many, their characters and tokens."""

    source: str
    kind: str
    licence: str
    reason: str
    error: str
    number: int
    characters: int
    tokens: int


def facts(
    groups: Iterable[Group], apis: Mapping[str, int], every_api: int, counted_by: str
) -> dict[str, Any]:
    """Per source: seeds, characters, tokens, distinct APIs, kinds, licences, what was not kept and why.

    Then seeds and tokens of all by kind and by licence, and the types of the errors behind malformed items.
    """
    sources: dict[str, dict[str, Any]] = {}
    kinds: dict[str, Counter[str]] = {}
    licences: dict[str, Counter[str]] = {}
    errors: Counter[str] = Counter()
    for group in sorted(groups, key=lambda g: (g.source, g.kind, g.licence, g.reason, g.error)):
        entry = sources.setdefault(group.source, _empty(apis.get(group.source, 0)))
        if group.reason:
            left = entry.setdefault("not_kept", {})
            left[group.reason] = left.get(group.reason, 0) + group.number
            errors.update({group.error: group.number} if group.error else {})
            continue
        entry["kept"] += group.number
        entry["characters"] += group.characters
        entry["tokens"] += group.tokens
        entry["kinds"][group.kind] = entry["kinds"].get(group.kind, 0) + group.number
        entry["licences"] = sorted({*entry["licences"], group.licence or NO_LICENCE})
        for table, key in ((kinds, group.kind), (licences, group.licence or NO_LICENCE)):
            table.setdefault(key, Counter()).update(seeds=group.number, tokens=group.tokens)
    return {
        "sources": dict(sorted(sources.items())),
        "kinds": {key: dict(counts) for key, counts in sorted(kinds.items())},
        "licences": {key: dict(counts) for key, counts in sorted(licences.items())},
        "apis": every_api,
        "tokens": sum(entry["tokens"] for entry in sources.values()),
        "tokens_by": counted_by,
        "errors": dict(sorted(errors.items())),
    }


def _empty(apis: int) -> dict[str, Any]:
    return {"kept": 0, "characters": 0, "tokens": 0, "apis": apis, "kinds": {}, "licences": []}


def table(found: Mapping[str, Any]) -> str:
    """The facts as aligned columns: one line per source, then the sums by kind and licence."""
    head = ("source", "seeds", "tokens", "APIs", "kinds", "licence", "not kept")
    rows = [_row(name, entry) for name, entry in found["sources"].items()]
    total = sum(entry["kept"] for entry in found["sources"].values())
    rows.append(("all", f"{total:,}", f"{found['tokens']:,}", f"{found['apis']:,}", "", "", ""))
    sums: list[tuple[str, ...]] = [("kind or licence", "seeds", "tokens")]
    for part in ("kinds", "licences"):
        sums += [(key, f"{c['seeds']:,}", f"{c['tokens']:,}") for key, c in found[part].items()]
    note = f"tokens counted by {found['tokens_by']}"
    return "\n\n".join((_aligned([head, *rows], {1, 2, 3}), _aligned(sums, {1, 2}), note))


def _row(name: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    def counts(of: Mapping[str, int]) -> str:
        ranked = sorted(of.items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{key} {number:,}" for key, number in ranked)

    numbers = (f"{entry['kept']:,}", f"{entry['tokens']:,}", f"{entry['apis']:,}")
    licence = ", ".join(entry["licences"])
    return (name, *numbers, counts(entry["kinds"]), licence, counts(entry.get("not_kept", {})))


def _aligned(rows: list[tuple[str, ...]], right: set[int]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [v.rjust(widths[c]) if c in right else v.ljust(widths[c]) for c, v in enumerate(row)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
