"""What each set and source holds, from counts by licence, kind and language."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.shards.writing.layout import ShardFile

UNSTATED = "not stated"
MOST_VALUES = 50  # of licences and languages that are listed one by one; web pages state all kinds
OTHERS = "others"
DOCUMENTS, CONVERSATIONS = "documents", "conversations"
_TOTALS = ("tokens", "rows", "documents", "text_bytes")


@dataclass(frozen=True)
class Group:
    """Documents of one source in one set with the same licence, kind and language."""

    set: str
    source: str
    licence: str | None
    kind: str | None
    language: str | None
    documents: int
    rows: int  # with repetitions, as all that follows
    tokens: int
    text_bytes: int


def sets_of(
    groups: Sequence[Group],
    weights: Mapping[str, Mapping[str, float]],
    files: Sequence[ShardFile],
    *,
    conversations: Collection[str] = (),
    apis: Mapping[tuple[str, str], int] | None = None,
) -> dict[str, Any]:
    """{set: {tokens, rows, documents, text_bytes, sources: {name: facts}}}.

    `weights` are those of the configured sources by set: one that gave nothing is listed with nothing.
    Held-out documents have the weight of their source. `conversations` are the sources with messages, and
    `apis` the numbers of distinct APIs by (set, source).
    """
    weight = {name: share for shares in weights.values() for name, share in shares.items()}
    found: dict[tuple[str, str], list[Group]] = {
        (of, name): [] for of, one in weights.items() for name in one
    }
    for group in groups:
        found.setdefault((group.set, group.source), []).append(group)
    sets: dict[str, Any] = {}
    for (of, name), members in sorted(found.items()):
        entry: dict[str, Any] = {"weight": weight.get(name, 0.0), **_totals(members)}
        entry["schema"] = CONVERSATIONS if name in conversations else DOCUMENTS
        entry["files"] = sum(file.source.folder == f"{of}/{name}" for file in files)
        entry["licences"] = _by(members, "licence")
        entry["kinds"] = _by(members, "kind")
        entry["languages"] = _by(members, "language")
        if apis and (of, name) in apis:
            entry["apis"] = apis[of, name]
        sets.setdefault(of, {"sources": {}})["sources"][name] = entry
    for content in sets.values():
        entries = content["sources"].values()
        content |= {key: sum(entry[key] for entry in entries) for key in _TOTALS}
        for entry in entries:
            entry["share"] = round(entry["tokens"] / content["tokens"], 6) if content["tokens"] else 0.0
    return {name: content for name, content in sets.items() if content["rows"]}


def _totals(groups: Sequence[Group]) -> dict[str, int]:
    return {key: sum(getattr(group, key) for group in groups) for key in _TOTALS}


def _by(groups: Iterable[Group], key: str) -> dict[str, dict[str, int]]:
    """{value: {rows, tokens}}, the largest first; the smallest together, where there are many."""
    sums: dict[str, list[int]] = {}
    for group in groups:
        total = sums.setdefault(getattr(group, key) or UNSTATED, [0, 0])
        total[0] += group.rows
        total[1] += group.tokens
    ordered = sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))
    listed = {name: {"rows": rows, "tokens": tokens} for name, (rows, tokens) in ordered[:MOST_VALUES]}
    if rest := [counts for _, counts in ordered[MOST_VALUES:]]:
        listed[OTHERS] = {"rows": sum(c[0] for c in rest), "tokens": sum(c[1] for c in rest)}
    return listed
