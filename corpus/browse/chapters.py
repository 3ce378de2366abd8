"""What each stage has to say of a record: the decision, and the evidence for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpus.browse.lookup import by_id
from corpus.browse.reasons import explain, match_threshold, threshold_of
from corpus.browse.road import Stop
from corpus.browse.rows import Row
from corpus.browse.terminal import shown

MISSING = "missing"
_OF_PAGE = ("title", "language", "agent_score", "light_score", "num_words", "extractor", "licence", "opt_out")
_OF_SEED = ("title", "source", "kind", "licence", "path", "item")
_SHARD_COLUMNS = ("id", "source", "kind", "num_tokens", "repetition")


@dataclass(frozen=True)
class Chapter:
    """What one stage did with a record: kept, dropped, failed, or missing where it never saw it."""

    stage: str
    folder: str
    outcome: str
    reason: str = ""
    said: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    kept_id: str = ""  # the record that stays in its place
    sets: tuple[str, ...] = ()  # of a mix: set/source that hold it


def chapter_of(stop: Stop, row: Mapping[str, Any]) -> Chapter:
    """The chapter of a stage from its ledger row, and from what else its tables have of that id."""
    tellers = {
        "seeds": _seed,
        "classifier": _classifier,
        "filter": _filter,
        "dedup": _dedup,
        "hygiene": _hygiene,
        "match": _match,
        "shard": _shard,
    }
    said = explain(stop.found, row) if row["outcome"] != "kept" or stop.stage == "classifier" else ""
    plain = Chapter(stop.stage, stop.name, row["outcome"], row["reason"] or "", said)
    teller = tellers.get(stop.stage)
    return teller(stop, row, plain) if teller else plain


def _with(chapter: Chapter, evidence: Mapping[str, Any], **more: Any) -> Chapter:
    there = {name: value for name, value in evidence.items() if value not in (None, "", [])}
    return Chapter(**{**vars(chapter), "evidence": {**chapter.evidence, **there}, **more})


def _one(rows: Sequence[Row]) -> dict[str, Any]:
    return rows[0].values if rows else {}


def _main(stop: Stop, row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    if row["outcome"] != "kept" or not stop.table:
        return {}
    return _one(by_id(stop.paths(stop.table), [row["id"]], columns))


def _seed(stop: Stop, row: Mapping[str, Any], chapter: Chapter) -> Chapter:
    return _with(chapter, _main(stop, row, _OF_SEED))


def _classifier(stop: Stop, row: Mapping[str, Any], chapter: Chapter) -> Chapter:
    scores = by_id(stop.paths("scores"), [row["url"]], key="url") if row["url"] else []
    found = {
        f"held_out_{name}": value for name, value in _one(scores).items() if name in ("agent_score", "label")
    }
    return _with(chapter, found)


def _filter(stop: Stop, row: Mapping[str, Any], chapter: Chapter) -> Chapter:
    place = {"archive": row["warc"], "byte": row["offset"]}
    if row["outcome"] != "kept":
        return _with(chapter, {"score": row["agent_score"], **place})
    limit = {"threshold": threshold_of(stop.found, "agent_score")}
    return _with(chapter, {**_main(stop, row, _OF_PAGE), **limit, **place})


def _dedup(stop: Stop, row: Mapping[str, Any], chapter: Chapter) -> Chapter:
    if row["outcome"] != "dropped":
        return chapter
    found = _one(by_id(stop.paths("duplicates"), [row["id"]]))
    names = ("kept_id", "index", "relation", "jaccard", "containment", "cluster_id", "cluster_size")
    evidence = {name: found.get(name) for name in names}
    limit = {"threshold": stop.found.config.get("threshold")} if found.get("relation") == "near" else {}
    kept = found.get("kept_id") or ""
    where = {"kept_url": _url_of(stop, kept)} if kept and not found.get("index") else {}
    return _with(chapter, {**evidence, **limit, **where}, kept_id="" if found.get("index") else kept)


def _url_of(stop: Stop, name: str) -> str:
    return str(_one(by_id(stop.paths(stop.table), [name], ("url",))).get("url", ""))


def _hygiene(stop: Stop, row: Mapping[str, Any], chapter: Chapter) -> Chapter:
    items = [one.values for one in by_id(stop.paths("contamination"), [row["id"]])]
    told = [
        f"{item['part']} of {item['benchmark']} {item['item']} at characters {item['start']:,} to "
        f"{item['end']:,}, {item['overlap']:.0%} of it"
        for item in items
    ]
    redacted = stop.found.facts.get("redacted", {})
    counts = _main(stop, row, tuple(redacted))
    replaced = {f"replaced_{name}": number for name, number in counts.items() if number}
    return _with(chapter, {"benchmark_items": told, **replaced})


def _match(stop: Stop, row: Mapping[str, Any], chapter: Chapter) -> Chapter:
    """The table `scores` has every page, kept or not; its place among others is in `pages` alone."""
    names = ("match_score", "match_margin", "combined_score", "match_seed_id", "match_kind", "match_chunk")
    found = dict(_one(by_id(stop.paths("scores"), [row["id"]], names)))
    found |= _main(stop, row, ("match_source", "match_rank", "cluster_id", "cluster_size"))
    limit = {"threshold": match_threshold(stop.found, chapter.reason, found.get("match_kind"))}
    return _with(chapter, {**found, **seed_title(stop, found.get("match_seed_id")), **limit})


def seed_title(stop: Stop, seed: str | None) -> dict[str, Any]:
    """What the index of a match stage calls a seed."""
    found = by_id(stop.paths("index"), [seed], ("title",), key="seed_id") if seed else []
    return {"seed_title": _one(found).get("title")}


def _shard(stop: Stop, row: Mapping[str, Any], chapter: Chapter) -> Chapter:
    places, sets = [], []
    for table in sorted(name for name in stop.found.tables if "/" in name):
        for one in by_id(stop.paths(table), [row["id"]], _SHARD_COLUMNS):
            sets.append(table)
            rest = {name: one.values.get(name) for name in _SHARD_COLUMNS[1:] if name != "num_tokens"}
            rest = {name: value for name, value in rest.items() if value}
            more = ", ".join(f"{name} {shown(value)}" for name, value in rest.items())
            file = one.path.rpartition("/")[2]
            tokens = f"{one.values.get('num_tokens', 0):,} tokens"
            places.append(f"{table}: {tokens}, row {one.number:,} of {file}; {more}")
    place = {"came_from": row["warc"], "byte_or_row": row["offset"]}
    return _with(chapter, {"in": places, **place}, sets=tuple(sets))
