"""The head of the page: the run in one paragraph, and the four answers that a reader came for."""

from __future__ import annotations

from typing import Any

from corpus.report.markup import count, percent, sentence, short
from corpus.report.parts import SETS, run_title
from corpus.report.show.documents import hosts_of
from corpus.report.show.names import ROAD, STAGES, reason_of

Stats = dict[str, Any]
Answer = tuple[str, str, str]  # the question, the answer, and what stands behind it


def paragraph(stats: Stats) -> str:
    """What was read, what is left of it, and what was made of that."""
    by_name = {row["stage"]: row for row in stats["stages"]}
    sentences = []
    archives, pages, seeds = stats["archives"], stats["pages"], stats["seeds"]
    if archives:
        read = f"{count(archives['responses'])} page records of {count(archives['archives'])} crawl archives"
        sentences.append(f"The filter read {read} and kept {count(by_name['pages']['kept'])}.")
    if pages and pages["stage"] != "pages":
        passed = ROAD[1 : ROAD.index(pages["stage"]) + 1]
        last = ", ".join(STAGES[stage] for stage in passed)
        sentences.append(f"After {last}, {count(pages['pages'])} pages from {hosts_of(pages)} remain.")
    if seeds:
        sentences.append(
            f"The examples are {count(seeds['items'])} items from {count(seeds['sources'])} sources "
            f"that name {count(seeds['apis'])} distinct APIs."
        )
    for name, content in ((stats["mixture"] or {}).get("sets", {})).items():
        sentences.append(
            f"{sentence(SETS.get(name, name))} holds {count(content['tokens'])} tokens "
            f"in {count(content['documents'])} documents."
        )
    if stats["mixture"]:
        sentences.append(_tokenizer(stats["mixture"]["tokenizer"]))
    for run, found in stats["training"].items():
        if found and found["steps"]:
            sentences.append(
                f"Training in {run_title(run)} took {count(found['steps'])} steps; the loss went from "
                f"{_loss(found['first_loss'])} to {_loss(found['last_loss'])}."
            )
    return " ".join(sentences)


def answers(stats: Stats) -> list[Answer]:
    """How much, from where, what was dropped and why, what is weakest; without those of missing stages."""
    found = (_how_much(stats), _from_where(stats), _dropped(stats), _weakest(stats))
    return [answer for answer in found if answer]


def _how_much(stats: Stats) -> Answer | None:
    sets = (stats["mixture"] or {}).get("sets", {})
    if sets:
        name, content = next(iter(sets.items()))
        by = stats["mixture"]["tokenizer"]["name"]
        others = [
            f"{SETS.get(other, other)} {short(found['tokens'])}"
            for other, found in sets.items()
            if other != name
        ]
        beside = f"; {', '.join(others)}" if others else ""
        note = f"in {SETS.get(name, name)}, {count(content['documents'])} documents{beside}; tokenizer {by}"
        return "How many tokens?", f"{short(content['tokens'])} tokens", note
    pages = stats["pages"]
    if not pages:
        return None
    note = f"{count(pages['words']['total'])} words; tokens are counted when training sets are made"
    return "How much?", f"{count(pages['pages'])} pages", note


def _from_where(stats: Stats) -> Answer | None:
    sets = (stats["mixture"] or {}).get("sets", {})
    pages = stats["pages"]
    hosts = (
        f"retrieved pages from {hosts_of(pages)}, most from {pages['hosts']['top'][0]['host']}"
        if pages and pages["pages"]
        else ""
    )
    if sets:
        content = next(iter(sets.values()))
        rows = sorted(content["sources"], key=lambda row: (-row["tokens"], row["source"]))
        return (
            "From where?",
            ", ".join(f"{row['source']} {percent(row['share'], 0)}" for row in rows[:4]),
            hosts,
        )
    return ("From where?", hosts_of(pages), hosts) if hosts else None


def _dropped(stats: Stats) -> Answer | None:
    road = [row for row in stats["stages"] if row["stage"] in ROAD and "records_in" in row]
    if not road or not road[0]["records_in"]:
        return None
    lost = [row for row in stats["funnel"] if row["outcome"] != "kept" and row["stage"] in ROAD]
    lost.sort(key=lambda row: (-row["records"], row["stage"], row["reason"]))
    why = ", ".join(f"{reason_of(row['reason'])} {count(row['records'])}" for row in lost[:3])
    gone = 1 - road[-1]["kept"] / road[0]["records_in"]
    return "What was dropped, and why?", f"{percent(gone)} of the pages", f"most: {why}" if why else ""


def _weakest(stats: Stats) -> Answer:
    notices = stats["notices"]
    if not notices:
        return "What is the weakest point?", "nothing stands out", "no limit of the report was passed"
    others = len(notices) - 1
    more = f"{count(others)} more below" if others else ""
    return "What is the weakest point?", notices[0]["text"], more


def _tokenizer(found: dict[str, Any]) -> str:
    vocabulary = f" ({count(found['vocab_size'])} entries)" if found["vocab_size"] else ""
    return f"Tokens are those of the tokenizer {found['name']}{vocabulary}."


def _loss(value: float | None) -> str:
    return "no finite number" if value is None else f"{value:.3f}"
