"""Numbers of the training sets: tokens by source as the shards' manifest declares and as the rows add up."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.report.counters import NO_VALUE, Lengths, TopCounter, share
from corpus.report.workspace import Workspace, batches


def numbers(space: Workspace) -> dict[str, Any]:
    """Sets with their sources. `declared` comes from the manifest, all else from the committed rows."""
    facts = dict(space.stages["shards"].facts)
    declared = facts.get("sets") or {}
    names = list(declared) or ["stage1", "stage2", "sft", "heldout"]
    sets = {}
    for name in sorted(names, key=lambda n: (n == "heldout", n)):
        sources = _sources(space, name, (declared.get(name) or {}).get("sources") or {})
        if sources:
            sets[name] = {
                "documents": _sum(sources, "documents"),
                "tokens": _sum(sources, "tokens"),
                "sources": sources,
                "kinds": _kinds(sources),
            }
    return {"tokenizer": _tokenizer(space, facts), "sets": sets}


def _kinds(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    tokens, documents = TopCounter(), TopCounter()
    for row in sources:
        for part in row["made_of"]:
            tokens.add_one(part["kind"], part["tokens"])
            documents.add_one(part["kind"], part["documents"])
    return [{**row, "documents": documents.counts[row["kind"]]} for row in tokens.rows("kind", "tokens")]


def _tokenizer(space: Workspace, facts: dict[str, Any]) -> dict[str, Any]:
    """The name that the config gave it (the last part of a path), its size and its hash."""
    name = str(space.stages["shards"].config.get("tokenizer") or "unnamed").rstrip("/").rsplit("/", 1)[-1]
    given = facts.get("tokenizer")
    found = given if isinstance(given, dict) else {}
    return {"name": name, "vocab_size": found.get("vocab_size"), "sha256": found.get("sha256")}


def _sources(space: Workspace, name: str, declared: dict[str, Any]) -> list[dict[str, Any]]:
    files: dict[str, list[str]] = {}
    root = space.path("shards", name) + "/"
    for path in space.files("shards", name):
        files.setdefault(path[len(root) :].split("/")[0], []).append(path)
    rows = [_source(source, paths) for source, paths in sorted(files.items())]
    tokens = _sum(rows, "tokens")
    for row in rows:
        given = declared.get(row["source"]) or {}
        row["share"] = share(row["tokens"], tokens)
        row["weight"] = given.get("weight")
        row["declared"] = {key: given.get(key) for key in ("tokens", "rows", "share")}
    return rows


def _source(source: str, paths: list[str]) -> dict[str, Any]:
    """One source of one set, and the data sets that it is made of (the column `source`)."""
    lengths, licences = Lengths(), TopCounter()
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    columns = {name: name for name in ("source", "kind", "licence", "num_tokens")}
    for batch in batches(paths, columns):
        lengths.add(batch["num_tokens"])
        licences.add(batch["licence"])
        for row in _grouped(batch):
            key = (row["source"] or NO_VALUE, row["kind"] or NO_VALUE)
            part = parts.setdefault(key, {"documents": 0, "tokens": 0, "licences": TopCounter()})
            part["documents"] += row["num_tokens_count"]
            part["tokens"] += row["num_tokens_sum"] or 0
            part["licences"].add_one(row["licence"] or NO_VALUE, row["num_tokens_count"])
    made_of = [
        {
            "data_set": data_set,
            "kind": kind,
            "documents": part["documents"],
            "tokens": part["tokens"],
            "licences": [name for name, _ in part["licences"].top(3)],
            "unlicensed": part["licences"].counts.get(NO_VALUE, 0),
        }
        for (data_set, kind), part in sorted(parts.items(), key=lambda item: (-item[1]["tokens"], item[0]))
    ]
    return {
        "source": source,
        "documents": _sum(made_of, "documents"),
        "tokens": _sum(made_of, "tokens"),
        "unlicensed": _sum(made_of, "unlicensed"),
        "lengths": lengths.summary(),
        "length_histogram": lengths.histogram(),
        "licences": licences.rows("licence", "documents", 10),
        "made_of": made_of,
    }


def _grouped(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows and tokens by data set, kind and licence within one batch."""
    texts = ("source", "kind", "licence")
    columns = [pc.cast(batch[name], pa.string()) for name in texts]
    table = pa.table([*columns, pc.cast(batch["num_tokens"], pa.int64())], names=[*texts, "num_tokens"])
    counted = table.group_by(list(texts)).aggregate(
        [("num_tokens", "sum"), ("num_tokens", "count", pc.CountOptions(mode="all"))]
    )
    rows: list[dict[str, Any]] = counted.to_pylist()
    return rows


def _sum(rows: list[dict[str, Any]], key: str) -> int:
    return sum(int(row[key]) for row in rows)
