"""Numbers of the pages: hosts, languages, lengths, terms, and how well they were extracted."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.report.counters import NO_VALUE, Bins, Lengths, TopCounter, share
from corpus.report.workspace import Workspace, batches

NO_HOST = "no host"
UNCERTAIN = 0.01  # a share that could be too low by more than this is no point of the curve of hosts
LOW_FIDELITY = 0.9  # a page that keeps less than this of its code and tables is worth a look
_COUNTED = {
    "host": NO_HOST,
    "language": "unknown",
    "licence": NO_VALUE,
    "opt_out": "none",
    "mime": "unknown",
}
_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>[^/?#:]+)"


def numbers(space: Workspace, stage: str, top: int) -> dict[str, Any]:
    """One pass over single columns of the stage's pages; no text is read."""
    counters = {name: TopCounter() for name in _COUNTED}
    words, code, years, by_words = Lengths(), Bins(0.0, 1.0, 20), TopCounter(), TopCounter()
    extraction = _Extraction()
    columns = {
        name: name for name in (*_COUNTED, "num_words", "code_share", "fetched_at", "extractor", "fidelity")
    }
    for batch in batches(space.files(stage, "pages"), columns):
        for name, counter in counters.items():
            counter.add(batch[name], none=_COUNTED[name])
        words.add(batch["num_words"])
        by_words.add_weighted(batch["host"], batch["num_words"], none=NO_HOST)
        code.add(batch["code_share"])
        extraction.add(batch)
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
            "words_error": by_words.slack,
            "top": _with_words(host.rows("host", "pages", max(top, 20)), by_words),
            "top_by_words": _with_words(by_words.rows("host", "words", max(top, 20)), by_words),
            **concentration(host),
        },
        "top_ten_hosts_share": share(sum(n for _, n in host.top(10)), rows),
        "languages": counters["language"].rows("language", "pages", top),
        "licences": counters["licence"].rows("licence", "pages", top),
        "opt_outs": counters["opt_out"].rows("directive", "pages", top),
        "unlicensed": counters["licence"].counts.get(_COUNTED["licence"], 0),
        "opted_out": rows - counters["opt_out"].counts.get(_COUNTED["opt_out"], 0),
        **extraction.summary(),
        "media_types": counters["mime"].rows("media_type", "pages", top),
        "years": sorted(years.rows("year", "pages"), key=lambda row: str(row["year"])),
    }


class _Extraction:
    """What each extractor was taken for, and how much of code and tables the texts kept.

    `fidelity` is null on pages that have neither code nor tables.
    """

    def __init__(self) -> None:
        self.by: dict[str, list[float]] = {}  # extractor -> pages, words, pages with fidelity, its sum
        self.bins, self.low = Bins(0.0, 1.0, 20), 0

    def add(self, batch: pa.RecordBatch) -> None:
        fidelity = pc.cast(batch["fidelity"], pa.float64())
        self.bins.add(fidelity)
        self.low += pc.sum(pc.cast(pc.less(fidelity, LOW_FIDELITY), pa.int64())).as_py() or 0
        names = pc.cast(batch["extractor"], pa.string())
        table = pa.table([names, batch["num_words"], fidelity], names=["extractor", "words", "fidelity"])
        found = table.group_by("extractor").aggregate(
            [([], "count_all"), ("words", "sum"), ("fidelity", "count"), ("fidelity", "sum")]
        )
        for row in found.to_pylist():
            sums = self.by.setdefault(row["extractor"] or "unknown", [0, 0, 0, 0.0])
            for at, name in enumerate(("count_all", "words_sum", "fidelity_count", "fidelity_sum")):
                sums[at] += row[name] or 0

    def summary(self) -> dict[str, Any]:
        pages = sum(int(sums[0]) for sums in self.by.values())
        extractors = [
            {
                "extractor": name,
                "pages": int(sums[0]),
                "share": share(sums[0], pages),
                "fidelity": sums[3] / sums[2] if sums[2] else None,
                "words": share(sums[1], sums[0]),
            }
            for name, sums in sorted(self.by.items(), key=lambda item: (-item[1][0], item[0]))
        ]
        measured = sum(int(sums[2]) for sums in self.by.values())
        fidelity = {
            "pages": measured,
            "mean": sum(sums[3] for sums in self.by.values()) / measured if measured else None,
            "low": self.low,
            "limit": LOW_FIDELITY,
            "histogram": self.bins.rows("pages"),
        }
        return {"extractors": extractors, "fidelity": fidelity}


def _with_words(rows: list[dict[str, Any]], words: TopCounter) -> list[dict[str, Any]]:
    """Rows of hosts with their share of all words, which stand in for tokens: pages have none counted."""
    return [{**row, "word_share": share(words.counts.get(row["host"], 0), words.total)} for row in rows]


def concentration(host: TopCounter) -> dict[str, Any]:
    """Share of the pages on the 1, 2, 5, 10, 20, ... largest hosts, and the effective number of hosts.

    The effective number is the exponential of the entropy of pages over hosts: that many hosts of equal size
    would be as mixed. Where the counter was too small it is null, since it hangs on the many small hosts that
    were given up; and the shares, too low by at most the counter's slack for each host, end with the last one
    that is certain to within UNCERTAIN.
    """
    sizes = [n for _, n in host.top()]
    last = min(len(sizes), int(UNCERTAIN * host.total / host.slack)) if host.slack else len(sizes)
    steps = [m * 10**power for power in range(8) for m in (1, 2, 5)]
    rows, seen, at = [], 0, 0
    for step in [*(step for step in steps if step < last), last]:
        seen += sum(sizes[at:step])
        at = step
        if step:
            rows.append({"hosts": step, "share": share(seen, host.total)})
    if host.slack:
        return {"concentration": rows, "effective": None}
    shares = [n / host.total for n in sizes] if host.total else []
    effective = math.exp(-sum(p * math.log(p) for p in shares if p))
    return {"concentration": rows, "effective": effective if sizes else 0.0}


def dropped_hosts(space: Workspace, top: int) -> list[dict[str, Any]]:
    """Hosts by the pages that the filter dropped or failed on, with what it kept of them, from the ledger's
    addresses. `pages` and `kept` are too low by at most `pages_error` and `kept_error`."""
    lost, kept = TopCounter(), TopCounter()
    for batch in batches(space.files("pages", "ledger"), {"url": "url", "outcome": "outcome"}):
        hosts = hosts_of(batch["url"])
        is_kept = pc.equal(batch["outcome"], "kept")
        kept.add(hosts.filter(is_kept), none=NO_HOST)
        lost.add(hosts.filter(pc.invert(is_kept)), none=NO_HOST)
    errors = {"pages_error": lost.slack, "kept_error": kept.slack}
    return [
        {**row, "kept": kept.counts.get(row["host"], 0), **errors} for row in lost.rows("host", "pages", top)
    ]


def hosts_of(urls: pa.Array[Any]) -> pa.Array[Any]:
    """Lower-case hosts of addresses; null where there is none."""
    found = pc.extract_regex(pc.cast(urls, pa.string()), pattern=_HOST)
    return pc.utf8_lower(pc.struct_field(found, "host"))
