"""Numbers of the seeds: what each source gives, of which kind and format, under which licence."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from corpus.engine import storage
from corpus.engine.config import load_yaml
from corpus.report.counters import NO_VALUE, Distinct, TopCounter
from corpus.report.workspace import Workspace, batches

_REPOSITORY = re.compile(r"(?:github:|https://github\.com/)([\w.-]{1,100}/[\w.-]{1,100})")
_HUB = re.compile(r"hub:([\w.-]{1,100}/[\w.-]{1,100})")
_ADDRESS = re.compile(r"https://[\w.-]+(?:/[\w./%+~-]*)?")


def numbers(space: Workspace, registry: str) -> dict[str, Any]:
    """Items, characters and distinct APIs, in all and by source and kind. `registry` is the file that says
    where public sources lie and what format they have."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    every_api = Distinct()
    columns: dict[str, pc.Expression | str] = {
        **{name: name for name in ("source", "kind", "licence", "apis", "path")},
        "characters": pc.utf8_length(pc.field("text")),
    }
    for batch in batches(space.files("seeds", "seeds"), columns):
        for row in batch.to_pylist():
            group = groups.setdefault((row["source"] or NO_VALUE, row["kind"] or NO_VALUE), _empty())
            group["items"] += 1
            group["characters"] += row["characters"] or 0
            group["apis"].add(row["apis"] or ())
            group["licences"].add_one(row["licence"] or NO_VALUE)
            group["endings"].add_one(
                posixpath.splitext(row["path"] or "")[1].lstrip(".").lower()[:12] or "unknown"
            )
            every_api.add(row["apis"] or ())
    facts = space.stages["seeds"].facts
    known = _registry(registry)
    rows = [
        {"source": source, "kind": kind, **_summary(group), **_known(source, group, known)}
        for (source, kind), group in groups.items()
    ]
    rows.sort(key=lambda row: (-row["items"], row["source"], row["kind"]))
    _share_tokens(rows, facts.get("sources") or {})
    return {
        "items": sum(row["items"] for row in rows),
        "characters": sum(row["characters"] for row in rows),
        "tokens": facts.get("tokens"),
        "tokens_by": _tokens_by(facts.get("tokens_by")),
        "apis": every_api.number(),
        "apis_exact": every_api.exact,
        "sources": len({row["source"] for row in rows}),
        "unlicensed": sum(row["unlicensed"] for row in rows),
        "by_source": rows,
        "by_kind": _by_kind(rows),
    }


def _empty() -> dict[str, Any]:
    return {
        "items": 0,
        "characters": 0,
        "apis": Distinct(),
        "licences": TopCounter(),
        "endings": TopCounter(100),
    }


def _summary(group: dict[str, Any]) -> dict[str, Any]:
    licences = group["licences"]
    return {
        "items": group["items"],
        "apis": group["apis"].number(),
        "characters": group["characters"],
        "licences": [name for name, _ in licences.top(3)],
        "unlicensed": licences.counts.get(NO_VALUE, 0),
    }


def _registry(path: str) -> Mapping[str, Any]:
    """The sources of the registry by name and by location; empty where it is not at hand."""
    if not path or not storage.exists(path):
        return {}
    sources = load_yaml(path).get("sources") or {}
    return {**sources, **{str(one.get("location")): one for one in sources.values()}}


def _known(source: str, group: dict[str, Any], registry: Mapping[str, Any]) -> dict[str, Any]:
    """Format and link of a source: as the registry says, else from the endings of its files and its name."""
    entry = registry.get(source) or {}
    endings = ", ".join(name for name, _ in group["endings"].top(2))
    return {"format": entry.get("format") or endings, "link": link_of(str(entry.get("location") or source))}


def link_of(location: str) -> str | None:
    """An https address for a location that is one, names a repository, or a data set of the hub; else None.

    Names come from data, so that only what is wholly made of harmless characters becomes a link.
    """
    for pattern, base in ((_REPOSITORY, "https://github.com/"), (_HUB, "https://huggingface.co/datasets/")):
        found = pattern.fullmatch(location)
        if found:
            return base + found[1]
    return location if _ADDRESS.fullmatch(location) else None


def _share_tokens(rows: list[dict[str, Any]], facts: Mapping[str, Any]) -> None:
    """Tokens are counted by source; of several kinds in one, each gets its share of the characters."""
    characters: dict[str, int] = {}
    for row in rows:
        characters[row["source"]] = characters.get(row["source"], 0) + row["characters"]
    for row in rows:
        tokens = (facts.get(row["source"]) or {}).get("tokens")
        whole = characters[row["source"]]
        row["tokens"] = round(tokens * row["characters"] / whole) if tokens is not None and whole else None


def _tokens_by(said: Any) -> str:
    return re.sub(r"^estimate: ", "estimates from ", str(said)) if said else ""


def _by_kind(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds: dict[str, int] = {}
    for row in rows:
        kinds[row["kind"]] = kinds.get(row["kind"], 0) + row["items"]
    return [{"kind": kind, "items": n} for kind, n in sorted(kinds.items(), key=lambda kv: (-kv[1], kv[0]))]
