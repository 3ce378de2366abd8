"""Examples of the records behind each reason: how they begin, and what tells their whole story."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.browse.lookup import by_id
from corpus.browse.reasons import explain
from corpus.engine import storage
from corpus.report.measure.snippets import beginning, from_archive
from corpus.report.workspace import STAGES, Workspace, batches

# The table that a stage's records come from: where the texts of those that it dropped are.
_BEFORE = {
    "clean_seeds": ("seeds", "seeds"),
    "unique": ("pages", "pages"),
    "clean": ("unique", "pages"),
    "matched": ("clean", "pages"),
}
_UNSEEN = ("opt_out", "contaminated")  # texts that asked to be left out, or would spread a benchmark's items
_NO_LOSS = ("classifier", "shards")  # what they leave out is a choice of examples or of a share, no loss
_COLUMNS = ("id", "url", "outcome", "reason", "agent_score", "warc", "offset")
_PLAIN_ID = re.compile(r"[0-9A-Za-z_.:-]{1,80}")
Row = dict[str, Any]


def examples(space: Workspace, most: int, shown: str) -> list[Row]:
    """Up to `most` records for each stage, outcome and reason but `kept`.

    Those with the smallest ids, which as hashes are a fair sample that no order of files can change.
    `shown` is the workspace as the user named it.
    """
    if not most:
        return []
    archives = _archives(space)
    rows = []
    for stage, _ in STAGES:
        if stage in _NO_LOSS or not space.has(stage):
            continue
        chosen = _chosen(space, stage, most)
        texts = _texts(space, stage, [row["id"] for row in chosen])
        for row in chosen:
            text = texts.get(row["id"])
            snippet = beginning(text) if text else _of_page(stage, row, archives)
            snippet = None if row["reason"] in _UNSEEN else snippet
            rows.append(
                {
                    "stage": stage,
                    **{name: row[name] for name in ("outcome", "reason", "id", "url")},
                    "meaning": explain(space.stages[stage], row),
                    "snippet": snippet,
                    "inspect": command(shown, row["id"]),
                }
            )
    return rows


def command(workspace: str, name: str | None) -> str | None:
    """What tells the whole story of a record; none for an id that is no plain word."""
    if not name or not _PLAIN_ID.fullmatch(name):
        return None
    return f"python jobs/inspect.py input={shlex.quote(storage.redact(workspace))} id={name}"


def _chosen(space: Workspace, stage: str, most: int) -> list[Row]:
    best: dict[tuple[str, str], pa.Table] = {}
    for batch in batches(space.files(stage, "ledger"), {name: name for name in _COLUMNS}):
        lost = batch.filter(pc.not_equal(batch["outcome"], "kept"))
        for reason in lost["reason"].unique().to_pylist():
            part = pa.Table.from_batches([lost.filter(pc.equal(lost["reason"], reason))])
            for outcome in part["outcome"].unique().to_pylist():
                mine = part.filter(pc.equal(part["outcome"], outcome))
                known = best.get((outcome, reason))
                both = pa.concat_tables([known, mine]) if known is not None else mine
                first = pc.select_k_unstable(
                    both, most, sort_keys=[("id", "ascending"), ("offset", "ascending")]
                )
                best[outcome, reason] = both.take(first)
    order = {
        (row["outcome"], row["reason"]): -row["rows"]
        for row in space.stages[stage].counts.get("by_reason", ())
    }
    keys = sorted(best, key=lambda key: (order.get(key, 0), key))
    return [row for key in keys for row in best[key].to_pylist()]


def _texts(space: Workspace, stage: str, ids: list[str]) -> dict[str, str]:
    """Texts of records in the stage before, read from the row groups that can hold them.

    None of a page that states a directive against its use, though the filter was told to keep it.
    """
    before = _BEFORE.get(stage)
    if not before or not ids or not space.has(*before):
        return {}
    found = by_id(space.files(*before), ids, ("id", "text", "opt_out"))  # seeds have no opt_out
    return {row.values["id"]: row.values["text"] or "" for row in found if not row.values.get("opt_out")}


def _archives(space: Workspace) -> dict[str, str]:
    """Paths of the filter's archives by their base name; a name that two archives bear leads nowhere."""
    found: dict[str, str] = {}
    for item in space.stages["pages"].inputs if space.has("pages") else ():
        path = str(item.get("path", ""))
        name = path.rsplit("/", 1)[-1]
        found[name] = "" if name in found else path
    return found


def _of_page(stage: str, row: Mapping[str, Any], archives: Mapping[str, str]) -> str | None:
    if stage != "pages" or row["offset"] is None:
        return None
    name = str(row["warc"] or "").rsplit("/", 1)[-1]
    return from_archive(archives.get(name, ""), int(row["offset"]), row["url"] or "")
