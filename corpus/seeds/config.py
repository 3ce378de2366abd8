"""Settings of the seeds job."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option
from corpus.seeds.code.missing import DocumentConfig


@dataclass(frozen=True, kw_only=True)
class SeedsConfig(JobConfig):
    """What to fetch or to read as seeds, and the bounds that each seed must keep."""

    input: tuple[str, ...] = option(
        "files, folders, globs or containers (.jsonl.gz) of public agent data; what fetch= has left", ()
    )
    source: str | None = option("name of the data set, for all files that name none themselves", None)
    licence: str | None = option("licence of the data set, for all files that name none themselves", None)
    tokenizer: str | None = option(
        "tokenizer.json, or its folder, to count tokens with; without it they are estimated", None
    )
    least_chars: int = option("shorter seeds are dropped as empty", 40, least=1)
    most_chars: int = option("longer seeds are dropped as too long", 100_000, least=100)
    most_file_mib: int = option(
        "larger files, and larger rows of files that are read by rows, are not read", 64, least=1, most=1024
    )
    most_per_item: int = option("most seeds taken from one file or row", 5_000, least=1)
    document: DocumentConfig = option(
        "a model that documents functions of source files which have no docs", DocumentConfig()
    )
    fetch: tuple[str, ...] = option(
        "sources of the registry to download into output=, or all; nothing else is done then",
        (),
        volatile=True,
    )
    sources: str = option("the registry of sources that fetch= looks up", "conf/sources.yaml", volatile=True)
    most_fetch_mib: int = option("larger sources are not fetched", 16_384, least=1, volatile=True)
    most_fetch_files: int = option("nor those with more files than this", 100_000, least=1, volatile=True)
