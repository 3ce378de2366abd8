"""Rules about the pages and seeds: hosts, languages, licences, opt-outs, extraction."""

from __future__ import annotations

from typing import Any

from corpus.report.counters import share
from corpus.report.markup import count, percent
from corpus.report.measure.documents import NO_HOST
from corpus.report.warnings.finding import CAUTION, PROBLEM, Facts, Finding, Found, said


def hosts(facts: Facts) -> Found:
    """One host with too large a part of the text: in tokens, else in words, else in pages."""
    found = (facts.stats["pages"] or {}).get("hosts")
    if not found:
        return
    key, unit = _host_unit(found["top"])
    large = [
        row for row in found["top"] if row.get(key, 0) > facts.limits.host_share and row["host"] != NO_HOST
    ]
    if large:
        large.sort(key=lambda row: (-row[key], row["host"]))
        names = said([f"{row['host']} ({percent(row[key])})" for row in large])
        text = f"Hosts with more than {percent(facts.limits.host_share)} of the {unit}: {names}."
        yield Finding(
            CAUTION, text, "documents", "hosts_by_words" if key == "word_share" else "hosts", large[0][key]
        )


def _host_unit(rows: list[dict[str, Any]]) -> tuple[str, str]:
    for unit in ("token", "word"):
        if rows and f"{unit}_share" in rows[0]:
            return f"{unit}_share", f"{unit}s"
    return "share", "pages"


def languages(facts: Facts) -> Found:
    pages = facts.stats["pages"]
    if not pages or not facts.languages:
        return
    for row in pages["languages"]:
        if (
            row["language"] not in (*facts.languages, "unknown")
            and row["share"] > facts.limits.language_share
        ):
            text = (
                f"{count(row['pages'])} pages ({percent(row['share'])}) are in the language "
                f"'{row['language']}', which should not be there; asked for: {said(facts.languages)}."
            )
            yield Finding(CAUTION, text, "documents", "languages", row["share"])


def licences(facts: Facts) -> Found:
    pages, seeds, limit = facts.stats["pages"], facts.stats["seeds"], facts.limits.unlicensed
    if pages and share(pages["unlicensed"], pages["pages"]) > limit:
        part = share(pages["unlicensed"], pages["pages"])
        of = f"{count(pages['unlicensed'])} of {count(pages['pages'])} pages"
        text = f"{of} ({percent(part)}) state no licence."
        yield Finding(CAUTION, text, "sources", "licences", part / 2)  # crawled pages seldom state one
    if seeds and share(seeds["unlicensed"], seeds["items"]) > limit:
        part = share(seeds["unlicensed"], seeds["items"])
        names = sorted({row["source"] for row in seeds["by_source"] if row["unlicensed"]})
        text = f"{count(seeds['unlicensed'])} seeds ({percent(part)}) have no licence, from {said(names)}."
        yield Finding(CAUTION, text, "sources", "sources", part)


def opt_outs(facts: Facts) -> Found:
    pages = facts.stats["pages"]
    part = share(pages["opted_out"], pages["pages"]) if pages else 0.0
    if pages and part > facts.limits.opted_out:
        text = (
            f"{count(pages['opted_out'])} of {count(pages['pages'])} pages ({percent(part)}) carry robots "
            "directives that ask to be left out."
        )
        yield Finding(PROBLEM if part > 0.01 else CAUTION, text, "sources", "opt_outs", part)


def fidelity(facts: Facts) -> Found:
    """Code lines and table cells that extraction lost."""
    found = (facts.stats["pages"] or {}).get("fidelity") or {}
    mean = found.get("mean")
    if mean is not None and mean < facts.limits.fidelity:
        text = (
            f"Extraction kept {percent(mean)} of the code lines and table cells of the pages; "
            f"at least {percent(facts.limits.fidelity)} is wanted."
        )
        yield Finding(CAUTION, text, "extraction", "fidelity", 1 - mean)


RULES = (hosts, languages, licences, opt_outs, fidelity)
