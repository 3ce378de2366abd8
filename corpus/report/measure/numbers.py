"""Every number of the report, read from manifests and from single columns of tables.

The result is plain data: it is written as stats.json, and the page is drawn from it and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.engine.manifest import Manifest
from corpus.report.config import ReportConfig
from corpus.report.counters import share
from corpus.report.measure import (
    archives,
    classifier,
    documents,
    duplicates,
    experiments,
    hygiene,
    matching,
    mixture,
    reasons,
    samples,
    seeds,
    training,
)
from corpus.report.published import beside
from corpus.report.workspace import STAGES, Workspace

Stats = dict[str, Any]
PAGE_STAGES = (
    "matched",
    "clean",
    "unique",
    "pages",
)  # the last stage that finished describes the pages of the corpus


def collect(space: Workspace, config: ReportConfig) -> Stats:
    """All numbers but the warnings, which are found in them. A part whose stage is missing is null."""
    last = next((stage for stage in PAGE_STAGES if space.has(stage)), None)
    stats: Stats = {
        "workspace": space.name,
        "stages": stages(space, config.hour_price),
        "funnel": funnel(space),
        "reason_examples": reasons.examples(space, config.examples, config.workspace),
        "seeds": seeds.numbers(space, config.registry) if space.has("seeds") else None,
        "classifier": classifier.numbers(space, config.top) if space.has("classifier") else None,
        "archives": archives.numbers(space, config.top) if space.has("pages") else None,
        "filter_steps": list(space.stages["pages"].facts.get("steps") or ()) if space.has("pages") else [],
        "pages": documents.numbers(space, last, config.top) if last else None,
        "dropped_hosts": documents.dropped_hosts(space, config.top) if space.has("pages") else [],
        "duplicates": duplicates.numbers(space, config.top) if space.has("unique") else None,
        "hygiene": hygiene.numbers(space),
        "matches": matching.numbers(space, config.top) if space.has("matched") else None,
        "mixture": mixture.numbers(space) if space.has("shards") else None,
        "samples": samples.samples(space),
        "training": {run: training.numbers(space, run) for run in space.runs},
        "experiments": experiments.numbers(
            space, {"sweep": config.sweep, "ablations": config.ablations, "scores": config.scores}
        ),
        "seconds": sum(found.seconds for found in space.stages.values()),
        "hour_price": config.hour_price,
    }
    stats["published"] = _published(stats)
    return stats


def _published(stats: Stats) -> list[dict[str, Any]]:
    """This corpus beside published ones; its kinds are those of its first set, else those of its seeds."""
    sets = (stats["mixture"] or {}).get("sets") or {}
    first = next(iter(sets.values()), None)
    kinds = {row["kind"]: row["documents"] for row in first["kinds"]} if first else {}
    seeds_found = stats["seeds"] or {"by_kind": [], "apis": 0}
    kinds = kinds or {row["kind"]: row["items"] for row in seeds_found["by_kind"]}
    return beside(stats["workspace"], first["tokens"] if first else None, seeds_found["apis"], kinds)


def stages(space: Workspace, hour_price: float = 0.0) -> list[dict[str, Any]]:
    """One row per expected stage: whether it is there, its counts, time, size, cost and identity."""
    purpose = dict(STAGES)
    return [
        {
            "stage": name,
            "purpose": purpose.get(name, "a training run on the shards"),
            "state": state,
            **_run_of(space.stages.get(name), hour_price),
        }
        for name, state in space.states.items()
    ]


def _run_of(found: Manifest | None, hour_price: float) -> dict[str, Any]:
    if found is None:
        return {}
    counts = found.counts
    records = int(counts.get("records_in", 0))
    return {
        "records_in": records,
        **{outcome: int(counts.get(outcome, 0)) for outcome in ("kept", "dropped", "failed")},
        "kept_share": share(int(counts.get("kept", 0)), records),
        "failed_share": share(int(counts.get("failed", 0)), records),
        "seconds": found.seconds,
        "records_per_second": share(records, found.seconds),
        "million_hours": share(found.seconds * 1e6 / 3600, records),
        "cost": found.seconds / 3600 * hour_price if hour_price else None,
        "bytes_in": sum(max(int(item.get("bytes", 0)), 0) for item in found.inputs),
        "bytes_out": sum(file.bytes for files in found.tables.values() for file in files),
        "fingerprint": found.fingerprint,
        "facts": {
            key: value for key, value in sorted(found.facts.items()) if isinstance(value, (int, float, str))
        },
        "versions": dict(found.versions),
    }


def funnel(space: Workspace) -> list[dict[str, Any]]:
    """One row per stage, outcome and reason, in the order of the road; shares of the stage's own input."""
    rows = []
    for name, _ in STAGES:
        counts: Mapping[str, Any] = space.stages[name].counts if name in space.stages else {}
        order = {"kept": 0, "dropped": 1, "failed": 2}
        entries = sorted(
            counts.get("by_reason", ()), key=lambda c: (order.get(c["outcome"], 3), -c["rows"], c["reason"])
        )
        records = int(counts.get("records_in", 0))
        for entry in entries:
            shown = {"outcome": entry["outcome"], "reason": entry["reason"], "records": int(entry["rows"])}
            rows.append({"stage": name, **shown, "share": share(entry["rows"], records)})
    return rows
