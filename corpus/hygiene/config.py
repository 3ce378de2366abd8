"""The keys of `jobs/hygiene.py`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option
from corpus.hygiene.redaction import TYPES

DROP, CUT, MARK = "drop", "cut", "mark"


@dataclass(frozen=True, kw_only=True)
class HygieneConfig(JobConfig):
    """Take benchmark items, secrets and personal data out of pages or seeds."""

    input: tuple[str, ...] = option(
        "finished stage folders with a table pages or seeds, or Parquet with id and text"
    )
    benchmarks: tuple[str, ...] = option(
        "benchmark files or folders (JSON, JSON Lines, Parquet); none: no decontamination", ()
    )
    contaminated: str = option(
        "what becomes of a text with a benchmark item: drop it, cut the lines of the item, or only mark it",
        DROP,
        choices=(DROP, CUT, MARK),
    )
    overlap: float = option(
        "share of an item's words, in n-grams in their order, from which a text holds it",
        0.7,
        least=0.3,
        most=1,
    )
    call_overlap: float = option(
        "share of the words of an item's calls, arguments in any order, from which a text holds them",
        0.75,
        least=0.3,
        most=1,
    )
    ngram: int = option("words per n-gram", 8, least=4, most=30)
    min_item_words: int = option(
        "items with fewer words prove nothing; below ngram words the whole item must be there", 5, least=3
    )
    common_hosts: int = option(
        "n-grams on more hosts than this are common phrases and prove nothing, but in whole items of "
        "13 words and more; 0: no such discount",
        10,
        least=0,
    )
    min_words: int = option("texts that a cut leaves with fewer words are dropped", 20, least=0)
    redact: tuple[str, ...] = option(
        "types of secrets and personal data that are replaced by <TYPE>",
        tuple(name.lower() for name in TYPES),
        choices=tuple(name.lower() for name in TYPES),
    )
