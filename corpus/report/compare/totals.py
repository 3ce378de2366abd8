"""The numbers of a corpus that stand for the whole, as a table that can be compared like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corpus.report.compare.differences import WHOLE
from corpus.report.counters import share
from corpus.report.grids import grid
from corpus.report.parts import SETS, Section, run_title

Stats = Mapping[str, Any]
Row = tuple[str, str, Any]  # what, kind, value


def totals(stats: Stats) -> Section:
    """One table per kind of number, since a column has one unit."""
    kinds = {"count": "Counts", "percent": "Shares", "decimal": "Scores"}
    rows = [*_pages(stats), *_seeds(stats), *_sets(stats), *_measures(stats), *_runs(stats)]
    tables = [
        grid(
            f"{WHOLE}{kind}",
            f"{name} of the whole",
            {"what": ("What", "text"), "value": ("Value", kind)},
            [
                {"what": what, "value": value}
                for what, own, value in rows
                if own == kind and value is not None
            ],
        )
        for kind, name in kinds.items()
    ]
    return Section("totals", "The whole", "Numbers that stand for all.", (), [t for t in tables if t.rows])


def _pages(stats: Stats) -> Iterator[Row]:
    pages, archives = stats["pages"], stats["archives"]
    if archives:
        yield "page records read", "count", archives["responses"]
        yield "bytes that could not be read", "count", archives["damaged_bytes"]
    if not pages:
        return
    yield "pages", "count", pages["pages"]
    yield "words of pages", "count", pages["words"]["total"]
    yield "hosts", "count", pages["hosts"]["distinct"]
    yield "pages of the ten largest hosts", "percent", pages["top_ten_hosts_share"]
    yield "pages without a licence", "percent", share(pages["unlicensed"], pages["pages"])
    yield "pages that ask to be left out", "percent", share(pages["opted_out"], pages["pages"])
    yield "pages with code", "percent", share(pages["pages_with_code"], pages["pages"])
    yield "code and table cells that extraction kept", "percent", (pages.get("fidelity") or {}).get("mean")


def _seeds(stats: Stats) -> Iterator[Row]:
    seeds = stats["seeds"]
    if seeds:
        yield "seeds", "count", seeds["items"]
        yield "sources of seeds", "count", seeds["sources"]
        yield "APIs named by seeds", "count", seeds["apis"]
        yield "seeds without a licence", "percent", share(seeds["unlicensed"], seeds["items"])


def _sets(stats: Stats) -> Iterator[Row]:
    for name, content in (stats["mixture"] or {}).get("sets", {}).items():
        yield f"tokens of {SETS.get(name, name)}", "count", content["tokens"]
        yield f"documents of {SETS.get(name, name)}", "count", content["documents"]


def _measures(stats: Stats) -> Iterator[Row]:
    duplicates, matches = stats["duplicates"], stats["matches"]
    if duplicates:
        sample = duplicates["facts"].get("sample") or {}
        yield "duplicates removed", "count", duplicates["removed"]
        yield "pages removed as duplicates", "percent", share(duplicates["removed"], duplicates["records_in"])
        yield "recall of deduplication on its sample", "decimal", sample.get("recall")
        yield "precision of deduplication on its sample", "decimal", sample.get("precision")
    if matches:
        yield "seeds that found a page", "count", matches["seeds_with_pages"]
        yield "AUC of the embedding map", "decimal", (matches["map"] or {}).get("auc")
    for name, value in (((stats["classifier"] or {}).get("metrics") or {}).get("held_out") or {}).items():
        if name in ("accuracy", "precision", "recall", "f1", "auc"):
            yield f"{name} of the classifier", "decimal", value


def _runs(stats: Stats) -> Iterator[Row]:
    for run, found in stats["training"].items():
        if found and found["steps"]:
            yield f"tokens trained on in {run_title(run)}", "count", found["tokens"]
            yield f"last loss of {run_title(run)}", "decimal", found["last_loss"]
            for row in found["heldout"]:
                yield (
                    f"last held-out loss of {row['source']}, {run_title(run)}",
                    "decimal",
                    row["last_loss"],
                )
