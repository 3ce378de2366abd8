"""The head of the page: the run in one paragraph, and the few numbers that a reader came for."""

from __future__ import annotations

from typing import Any

from corpus.report.markup import count, duration, percent, sentence, short
from corpus.report.parts import SETS
from corpus.report.show.documents import hosts_of

Stats = dict[str, Any]
Tile = tuple[str, str, str]  # value, name, note


def paragraph(stats: Stats) -> str:
    """What was read, what is left of it, and what was made of that."""
    by_name = {row["stage"]: row for row in stats["stages"]}
    sentences = []
    archives, pages, seeds = stats["archives"], stats["pages"], stats["seeds"]
    if archives:
        read = f"{count(archives['responses'])} page records of {count(archives['archives'])} crawl archives"
        kept = by_name["pages"]
        sentences.append(f"The filter read {read} and kept {count(kept['kept'])}.")
    if pages and pages["stage"] != "pages":
        last = "deduplication and matching" if pages["stage"] == "matched" else "deduplication"
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
                f"Training in {SETS[run]} took {count(found['steps'])} steps; the loss went from "
                f"{_loss(found['first_loss'])} to {_loss(found['last_loss'])}."
            )
    return " ".join(sentences)


def tiles(stats: Stats) -> list[Tile]:
    """At most six, those of missing stages left out."""
    out: list[Tile] = []
    mixture, pages, seeds = stats["mixture"], stats["pages"], stats["seeds"]
    if mixture and "stage1" in mixture["sets"]:
        out.append(
            (short(mixture["sets"]["stage1"]["tokens"]), "tokens in stage I", mixture["tokenizer"]["name"])
        )
    if pages:
        out.append((count(pages["pages"]), "pages in the corpus", hosts_of(pages)))
    if stats["archives"]:
        kept = next(row for row in stats["stages"] if row["stage"] == "pages")
        out.append(
            (
                percent(kept["kept_share"]),
                "of records kept by the filter",
                f"{count(kept['records_in'])} records read",
            )
        )
    if seeds:
        out.append((count(seeds["apis"]), "distinct APIs in seeds", f"{count(seeds['items'])} items"))
    if stats["duplicates"]:
        out.append((count(stats["duplicates"]["removed"]), "duplicates removed", "each with its evidence"))
    if stats["seconds"]:
        out.append((duration(stats["seconds"]), "of computing", "all corpus stages"))
    return out


def _tokenizer(found: dict[str, Any]) -> str:
    vocabulary = f" ({count(found['vocab_size'])} entries)" if found["vocab_size"] else ""
    return f"Tokens are those of the tokenizer {found['name']}{vocabulary}."


def _loss(value: float | None) -> str:
    return "no finite number" if value is None else f"{value:.3f}"
