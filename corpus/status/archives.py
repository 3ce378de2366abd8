"""The filter at work: one record per finished archive, and how many archives there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.crawl.commits import COMMITS
from corpus.engine import storage
from corpus.status.files import File, Kept, json_object

PLAN = "plan.json"  # in the same folder: what the run is to read, {"archives": n, "bytes": n}


@dataclass(frozen=True)
class Archives:
    """What is committed; `since` sums up what this run committed, without what an earlier one left."""

    archives: int
    bytes: int
    records: int
    outcomes: Mapping[str, int]
    damaged: int  # byte ranges
    all_archives: int  # 0: not known
    all_bytes: int
    since_bytes: int
    since_archives: int


class Commits:
    """Reads the commit records of one filter folder, each once."""

    def __init__(self) -> None:
        self._records = Kept(_record)

    def look(self, folder: str, files: Sequence[File], began: float) -> Archives:
        """`began` is when this run took the folder, in seconds since the epoch."""
        inside = [
            file for file in files if file.path.startswith(f"{COMMITS}/") and file.path.endswith(".json")
        ]
        commits = [
            file for file in inside if file.name != PLAN and not file.name.startswith(storage.TEMPORARY)
        ]
        records = self._records.of(folder, commits)
        whole = (
            next((json_or_none(storage.join(folder, f.path)) for f in inside if f.name == PLAN), None) or {}
        )
        changed = {file.path: file.changed for file in commits}
        new = [record for record in records if changed.get(record["file"], 0) >= began]
        outcomes: Counter[str] = Counter()
        for record in records:
            outcomes.update(record["counts"])
        return Archives(
            archives=len(records),
            bytes=sum(record["bytes"] for record in records),
            records=sum(record["responses"] for record in records),
            outcomes=dict(outcomes),
            damaged=sum(record["damaged"] for record in records),
            all_archives=_whole_number(whole.get("archives")),
            all_bytes=_whole_number(whole.get("bytes")),
            since_bytes=sum(record["bytes"] for record in new),
            since_archives=len(new),
        )


def json_or_none(path: str) -> dict[str, Any] | None:
    try:
        return json_object(path)
    except (OSError, ValueError):
        return None


def _record(path: str) -> dict[str, Any] | None:
    """The few numbers of a commit that are shown; None where it is not whole."""
    data = json_object(path)
    if data is None:
        return None
    return {
        "file": f"{COMMITS}/{path.rpartition('/')[2]}",
        "bytes": max(int(data["bytes"]), 0),
        "responses": int(data["responses"]),
        "counts": {str(name): int(rows) for name, rows in data["counts"].items()},
        "damaged": len(data["damaged"]),
    }


def _whole_number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
