"""Settings of the seeds job."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option


@dataclass(frozen=True, kw_only=True)
class SeedsConfig(JobConfig):
    """What to read as seeds, and the bounds that each seed must keep."""

    input: tuple[str, ...] = option("files, folders, globs or containers (.jsonl.gz) of public agent data")
    source: str | None = option("name of the data set, for all files that name none themselves", None)
    licence: str | None = option("licence of the data set, for all files that name none themselves", None)
    least_chars: int = option("shorter seeds are dropped as empty", 40, least=1)
    most_chars: int = option("longer seeds are dropped as too long", 100_000, least=100)
    most_file_mib: int = option(
        "larger files, and larger rows of containers, are not read", 64, least=1, most=1024
    )
    most_per_item: int = option("most seeds taken from one file or row", 5_000, least=1)
