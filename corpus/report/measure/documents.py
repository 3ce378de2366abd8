"""Numbers of the pages and of the archives that they come from."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from corpus.report.counters import Bins, Lengths, TopCounter, share
from corpus.report.workspace import Workspace, batches

NO_HOST = "no host"
_COUNTED = {
    "host": NO_HOST,
    "language": "unknown",
    "licence": "none stated",
    "opt_out": "none",
    "extractor": "unknown",
    "mime": "unknown",
}


def numbers(space: Workspace, stage: str, top: int) -> dict[str, Any]:
    """Who the pages come from, in which language and length, under which terms."""
    counters = {name: TopCounter() for name in _COUNTED}
    words, code, years = Lengths(), Bins(0.0, 1.0, 20), TopCounter()
    columns = {name: name for name in (*_COUNTED, "num_words", "code_share", "fetched_at")}
    for batch in batches(space.files(stage, "pages"), columns):
        for name, counter in counters.items():
            counter.add(batch[name], none=_COUNTED[name])
        words.add(batch["num_words"])
        code.add(batch["code_share"])
        fetched: Any = batch["fetched_at"]
        if str(fetched.type) != "null":
            years.add(pc.year(fetched), none="unknown")
    code_rows = code.rows("pages")
    host, rows = counters["host"], counters["host"].total
    return {
        "stage": stage,
        "pages": rows,
        "words": words.summary(),
        "word_histogram": words.histogram(),
        "code_share": code_rows,
        "pages_with_code": sum(row.get("pages", 0) for row in code_rows[1:]),
        "hosts": {
            "distinct": len(host.counts),
            "count_error": host.slack,
            "top": host.rows("host", "pages", max(top, 20)),
        },
        "top_ten_hosts_share": share(sum(n for _, n in host.top(10)), rows),
        "languages": counters["language"].rows("language", "pages", top),
        "licences": counters["licence"].rows("licence", "pages", top),
        "opt_outs": counters["opt_out"].rows("directive", "pages", top),
        "unlicensed": counters["licence"].counts.get(_COUNTED["licence"], 0),
        "opted_out": rows - counters["opt_out"].counts.get(_COUNTED["opt_out"], 0),
        "extractors": counters["extractor"].rows("extractor", "pages"),
        "media_types": counters["mime"].rows("media_type", "pages", top),
        "years": sorted(years.rows("year", "pages"), key=lambda row: str(row["year"])),
    }


def _by_loss(row: dict[str, Any]) -> tuple[int, int, str]:
    return -int(row["bytes"]), -int(row["ranges"]), str(row["archive"])


def archives(space: Workspace, top: int) -> dict[str, Any]:
    """Input archives in all, and every byte range that could not be read, by reason."""
    names = ("bytes", "records", "responses", "other_records", "kept", "dropped", "failed")
    sums, files = dict.fromkeys(names, 0), 0
    damaged: list[dict[str, Any]] = []
    reasons: dict[str, dict[str, int]] = {}
    for batch in batches(space.files("pages", "files"), {name: name for name in ("path", *names, "damaged")}):
        for row in batch.to_pylist():
            files += 1
            for name in names:
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
    by_reason = [{"reason": reason, **reasons[reason]} for reason in sorted(reasons)]
    return {
        "archives": files,
        **sums,
        "damaged_ranges": sum(entry["ranges"] for entry in reasons.values()),
        "damaged_bytes": sum(entry["bytes"] for entry in reasons.values()),
        "damaged_by_reason": by_reason,
        "most_damaged": damaged,
    }
