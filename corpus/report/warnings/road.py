"""Rules about stages: are they there, do their counts add up, what failed, what did an earlier run have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.report.counters import share
from corpus.report.markup import count, percent
from corpus.report.parts import SETS
from corpus.report.warnings.finding import CAUTION, PROBLEM, Facts, Finding, Found, said

# Whose kept records come in; a stage may be given other folders too, so a difference is but a caution.
_BEFORE = {"clean_seeds": "seeds", "unique": "pages", "clean": "unique", "matched": "clean"}


def parts(facts: Facts) -> Found:
    for row in facts.stats["stages"]:
        if row["state"] == "unfinished":
            text = f"{row['stage']} has begun and not finished; not in this report: {row['purpose']}."
            if row["stage"].startswith("training/"):
                text = (
                    f"{row['stage']} has exported no model: it goes on or broke off; what it logged is shown."
                )
            yield Finding(PROBLEM, text, "provenance", "provenance", 0.9)
        elif row["state"] == "missing":
            text = f"The stage {row['stage']} is missing ({row['purpose']}); its part of the report is empty."
            yield Finding(CAUTION, text, "provenance", "provenance", 0.05)


def counts_add_up(facts: Facts) -> Found:
    """In = kept + dropped + failed = the sum over reasons."""
    for row in facts.stats["stages"]:
        if "records_in" not in row:
            continue
        came, accounted = row["records_in"], row["kept"] + row["dropped"] + row["failed"]
        reasons = sum(r["records"] for r in facts.stats["funnel"] if r["stage"] == row["stage"])
        for number, what in ((accounted, "are accounted for"), (reasons, "have a reason or are kept")):
            if number != came:
                text = (
                    f"The counts of {row['stage']} do not add up: {count(came)} came in, "
                    f"{count(number)} {what}."
                )
                yield Finding(PROBLEM, text, "funnel", "funnel", 1.0)
                break


def stages_meet(facts: Facts) -> Found:
    """What a stage kept is what the next one of the road read."""
    rows = {row["stage"]: row for row in facts.stats["stages"] if "records_in" in row}
    for later, before in _BEFORE.items():
        if later in rows and before in rows and rows[later]["records_in"] != rows[before]["kept"]:
            text = (
                f"{before} kept {count(rows[before]['kept'])} records and {later} read "
                f"{count(rows[later]['records_in'])}: they are of different runs, or {later} was given more."
            )
            yield Finding(CAUTION, text, "funnel", "stages", 0.3)


def rows_as_kept(facts: Facts) -> Found:
    """The pages that were counted for this report are those that their stage says it kept."""
    pages = facts.stats["pages"]
    for row in facts.stats["stages"]:
        if pages and row["stage"] == pages["stage"] and "kept" in row and row["kept"] != pages["pages"]:
            text = (
                f"The table of {row['stage']} holds {count(pages['pages'])} rows and its manifest keeps "
                f"{count(row['kept'])}."
            )
            yield Finding(PROBLEM, text, "documents", weight=1.0)


def failures(facts: Facts) -> Found:
    for row in facts.stats["stages"]:
        if row.get("failed_share", 0) > facts.limits.failed_share:
            reasons = [
                r for r in facts.stats["funnel"] if r["stage"] == row["stage"] and r["outcome"] == "failed"
            ]
            worst = f", most with '{reasons[0]['reason']}'" if reasons else ""
            part = f"{count(row['failed'])} records ({percent(row['failed_share'])})"
            text = f"{part} failed in {row['stage']}{worst}."
            yield Finding(PROBLEM, text, "funnel", "funnel", row["failed_share"])


def damage(facts: Facts) -> Found:
    archives = facts.stats["archives"]
    if archives and archives["damaged_ranges"]:
        text = (
            f"{count(archives['damaged_ranges'])} byte ranges of the archives could not be read "
            f"({count(archives['damaged_bytes'])} bytes in all; the most in "
            f"{said([archives['most_damaged'][0]['archive']])})."
        )
        yield Finding(
            CAUTION, text, "extraction", "damage", share(archives["damaged_bytes"], archives["bytes"])
        )


def sources_shrank(facts: Facts) -> Found:
    """Seed sources in items, sources of the training sets in tokens, against the earlier run."""
    if facts.earlier is None:
        return
    found = (
        (_seed_sources, "items", "sources", "sources"),
        (_set_sources, "tokens", "composition", "sets"),
    )
    for sizes, unit, where, table in found:
        now = sizes(facts.stats)
        if now is None:
            continue
        for name, before in sorted((sizes(facts.earlier) or {}).items()):
            left = now.get(name, 0)
            if before and left < before * (1 - facts.limits.shrank):
                gone = "is gone: it had" if not left else f"shrank to {count(left)} from"
                text = f"The source {said([name])} {gone} {count(before)} {unit} in the earlier run."
                yield Finding(PROBLEM, text, where, table, 1 - left / before)


def reasons_grew(facts: Facts) -> Found:
    """Reasons for which a larger share of a stage's records was lost than in the earlier run."""
    if facts.earlier is None:
        return
    made = {row["stage"] for row in facts.earlier["funnel"]}
    before = {(r["stage"], r["outcome"], r["reason"]): r["share"] for r in facts.earlier["funnel"]}
    for row in facts.stats["funnel"]:
        was = before.get((row["stage"], row["outcome"], row["reason"]), 0.0)
        if (
            row["stage"] in made
            and row["outcome"] != "kept"
            and row["share"] - was > facts.limits.reason_grew
        ):
            text = (
                f"'{said([row['reason']])}' took {percent(row['share'])} of the records of {row['stage']}, "
                f"{percent(was)} in the earlier run."
            )
            yield Finding(CAUTION, text, "funnel", "funnel", row["share"] - was)


def mixture(facts: Facts) -> Found:
    """Tokens against what the manifest declares, and shares against the plan, which is the weights."""
    for name, content in (facts.stats["mixture"] or {}).get("sets", {}).items():
        title, weights = SETS.get(name, name), [row["weight"] or 0 for row in content["sources"]]
        for row in content["sources"]:
            declared = row["declared"]["tokens"]
            if declared is not None and declared != row["tokens"]:
                text = (
                    f"The source {row['source']} of {title} declares {count(declared)} tokens and its rows "
                    f"hold {count(row['tokens'])}."
                )
                yield Finding(PROBLEM, text, "composition", "sets", 1.0)
            wanted = (row["weight"] or 0) / sum(weights) if sum(weights) else row["share"]
            if name != "heldout" and abs(wanted - row["share"]) > facts.limits.mix:
                less = "less" if row["share"] < wanted else "more"
                text = (
                    f"The source {row['source']} has {percent(row['share'])} of the tokens of {title}, "
                    f"{less} than planned: its weight asks for {percent(wanted)}."
                )
                yield Finding(CAUTION, text, "composition", "sets", abs(wanted - row["share"]))


def _seed_sources(stats: Mapping[str, Any]) -> dict[str, int] | None:
    if not stats["seeds"]:
        return None
    sizes: dict[str, int] = {}
    for row in stats["seeds"]["by_source"]:
        sizes[row["source"]] = sizes.get(row["source"], 0) + row["items"]
    return sizes


def _set_sources(stats: Mapping[str, Any]) -> dict[str, int] | None:
    if not stats["mixture"]:
        return None
    return {
        f"{row['source']} of {SETS.get(name, name)}": row["tokens"]
        for name, content in stats["mixture"]["sets"].items()
        for row in content["sources"]
    }


RULES = (
    parts,
    counts_add_up,
    rows_as_kept,
    stages_meet,
    failures,
    damage,
    sources_shrank,
    reasons_grew,
    mixture,
)
