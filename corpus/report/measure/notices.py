"""What a reader should look at first: warnings in words, found in the numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from corpus.report.markup import count, percent
from corpus.report.measure.documents import NO_HOST
from corpus.report.parts import SETS

Stats = dict[str, Any]
SHARE_TOLERANCE = 0.02  # a source's share of tokens may differ from its weight by this much


def find(stats: Stats) -> list[dict[str, str]]:
    """Warnings in the order of the road; `level` is problem (a result is wrong or lost) or caution."""
    rules = (_parts, _failures, _damage, _classifier, _hosts, _licences, _opt_outs, _mixture, _training)
    return [{"level": level, "text": text} for rule in rules for level, text in rule(stats)]


Found = Iterator[tuple[str, str]]


def _parts(stats: Stats) -> Found:
    for row in stats["stages"]:
        if row["state"] == "unfinished":
            yield (
                "problem",
                f"{row['stage']} has begun and not finished; not in this report: {row['purpose']}.",
            )
        elif row["state"] == "missing":
            yield (
                "caution",
                f"The stage {row['stage']} is missing ({row['purpose']}); its part of the report is empty.",
            )
        elif "records_in" in row:
            accounted = row["kept"] + row["dropped"] + row["failed"]
            if accounted != row["records_in"]:
                yield (
                    "problem",
                    f"The counts of {row['stage']} do not add up: {count(row['records_in'])} came in, "
                    f"{count(accounted)} are accounted for.",
                )


def _failures(stats: Stats) -> Found:
    limit = stats["limits"]["failed_share"]
    for row in stats["stages"]:
        if row.get("failed_share", 0) > limit:
            reasons = [r for r in stats["funnel"] if r["stage"] == row["stage"] and r["outcome"] == "failed"]
            worst = f", most with '{reasons[0]['reason']}'" if reasons else ""
            yield (
                "problem",
                f"{count(row['failed'])} records ({percent(row['failed_share'])}) failed in "
                f"{row['stage']}{worst}.",
            )


def _damage(stats: Stats) -> Found:
    archives = stats["archives"]
    if archives and archives["damaged_ranges"]:
        files = archives["most_damaged"]
        yield (
            "caution",
            f"{count(archives['damaged_ranges'])} byte ranges of the archives could not be read "
            f"({count(archives['damaged_bytes'])} bytes in all; the most in {files[0]['archive']}).",
        )


def _classifier(stats: Stats) -> Found:
    found = stats["classifier"]
    if not found:
        return
    if not found["metrics"]:
        yield "problem", "The classifier was not measured: its metrics.json is missing or empty."
    sources = {row["given_by"] for row in found["given_by"]}
    if "crawl" in sources:
        yield (
            "caution",
            "The classifier was measured on noisy labels: pages of the crawl stand in for general pages "
            "without having been read, so some that count as false positives are wanted ones. "
            "Give labels= for a true measure.",
        )


def _hosts(stats: Stats) -> Found:
    pages, limit = stats["pages"], stats["limits"]["host_share"]
    hosts = (pages or {}).get("hosts", {}).get("top", ())
    large = [row for row in hosts if row["share"] > limit and row["host"] != NO_HOST]
    if large:
        names = _and([f"{row['host']} ({percent(row['share'])})" for row in large])
        yield "caution", f"Hosts with more than {percent(limit)} of the pages: {names}."


def _licences(stats: Stats) -> Found:
    pages, seeds = stats["pages"], stats["seeds"]
    if pages and pages["unlicensed"]:
        yield "caution", f"{count(pages['unlicensed'])} of {count(pages['pages'])} pages state no licence."
    if seeds and seeds["unlicensed"]:
        names = sorted({row["source"] for row in seeds["by_source"] if row["unlicensed"]})
        yield "caution", f"{count(seeds['unlicensed'])} seeds have no licence, from {_and(names)}."


def _opt_outs(stats: Stats) -> Found:
    pages = stats["pages"]
    if pages and pages["opted_out"]:
        yield (
            "caution",
            f"{count(pages['opted_out'])} of {count(pages['pages'])} pages carry robots directives "
            "that ask to be left out.",
        )


def _mixture(stats: Stats) -> Found:
    for name, content in (stats["mixture"] or {}).get("sets", {}).items():
        weights = [row["weight"] or 0 for row in content["sources"]]
        for row in content["sources"]:
            declared = row["declared"]["tokens"]
            if declared is not None and declared != row["tokens"]:
                yield (
                    "problem",
                    f"The source {row['source']} of {SETS.get(name, name)} declares {count(declared)} "
                    f"tokens and its rows hold {count(row['tokens'])}.",
                )
            wanted = (row["weight"] or 0) / sum(weights) if sum(weights) else row["share"]
            if name != "heldout" and abs(wanted - row["share"]) > SHARE_TOLERANCE:
                yield (
                    "caution",
                    f"The source {row['source']} has {percent(row['share'])} of the tokens of "
                    f"{SETS.get(name, name)}; its weight asks for {percent(wanted)}.",
                )


def _training(stats: Stats) -> Found:
    for run, found in stats["training"].items():
        if found is None:
            continue
        if not found["steps"]:
            yield "problem", f"training/{run} has not logged a single step."
            continue
        if not found["finite"]:
            yield "problem", f"The loss of training/{run} was not a finite number at some step."
        if found["last_loss"] >= found["first_loss"]:
            yield (
                "problem",
                f"The loss of training/{run} did not fall: "
                f"{found['first_loss']:.3f} to {found['last_loss']:.3f}.",
            )
        for row in found["heldout"]:
            if row["first_loss"] is not None and row["last_loss"] > row["first_loss"]:
                yield "caution", f"The held-out loss of {row['source']} rose in training/{run}."


def _and(names: list[str], most: int = 4) -> str:
    shown = [re.sub(r"\s+", " ", name) for name in names[:most]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
