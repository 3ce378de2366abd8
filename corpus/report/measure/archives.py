"""Numbers of the archives that the pages come from."""

from __future__ import annotations

from typing import Any

from corpus.report.workspace import Workspace, batches

_SUMS = ("bytes", "records", "responses", "other_records", "kept", "dropped", "failed")


def numbers(space: Workspace, top: int) -> dict[str, Any]:
    """Input archives in all, and every byte range that could not be read, by reason."""
    sums, files = dict.fromkeys(_SUMS, 0), 0
    damaged: list[dict[str, Any]] = []
    reasons: dict[str, dict[str, int]] = {}
    for batch in batches(space.files("pages", "files"), {name: name for name in ("path", *_SUMS, "damaged")}):
        for row in batch.to_pylist():
            files += 1
            for name in _SUMS:
                sums[name] += row[name] or 0
            lost = 0
            for part in row["damaged"] or ():
                size = max((part["end"] or 0) - (part["start"] or 0), 0)
                entry = reasons.setdefault(part["reason"] or "unknown", {"ranges": 0, "bytes": 0})
                entry["ranges"] += 1
                entry["bytes"] += size
                lost += size
            if row["damaged"]:
                base = str(row["path"]).rsplit("/", 1)[-1]
                damaged.append(
                    {"archive": base, "ranges": len(row["damaged"]), "bytes": lost, "of": row["bytes"] or 0}
                )
                damaged = sorted(damaged, key=_by_loss)[:top]
    return {
        "archives": files,
        **sums,
        "damaged_ranges": sum(entry["ranges"] for entry in reasons.values()),
        "damaged_bytes": sum(entry["bytes"] for entry in reasons.values()),
        "damaged_by_reason": [{"reason": reason, **reasons[reason]} for reason in sorted(reasons)],
        "most_damaged": damaged,
    }


def _by_loss(row: dict[str, Any]) -> tuple[int, int, str]:
    return -int(row["bytes"]), -int(row["ranges"]), str(row["archive"])
