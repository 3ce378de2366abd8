"""What a config gives the filter to read: archives, or the index that will name records of archives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.crawl.index.work import Index, find_index
from corpus.crawl.inputs.asked import CrawlInput
from corpus.crawl.inputs.sources import Archive, describe, find_archives
from corpus.engine.attempts import Access
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile


@dataclass(frozen=True)
class Given:
    """`archives` of `input=`; with an `index` they are not known before it has been read."""

    archives: Sequence[Archive]
    index: Index | None = None

    @property
    def files(self) -> Sequence[InputFile]:
        """What decides the result and has a size and a version: archives, or the files of the index."""
        return self.index.files if self.index else [archive.file for archive in self.archives]

    def plan(self) -> list[str]:
        """What would be read, for `--dry-run`."""
        if self.index is None:
            return [f"read    {describe(self.files)}"]
        return [
            f"index   {describe(self.files)}",
            f"where   {self.index.where or 'true'}",
            f"columns {', '.join(self.index.schema.names)}",
            f"read    the records that pass, from {self.index.public_base or 'where the index says'}",
        ]


def find_given(config: CrawlInput) -> Given:
    """Resolve `input=` or `index=` without reading archives. UserError where they name nothing."""
    access = Access(connections=config.connections)
    if not config.index:
        if config.where:
            raise UserError("the key 'where' filters the rows of an index; give index= too.")
        return Given(find_archives(config.input, config.base, access))
    if config.input:
        raise UserError("the keys 'input' and 'index' exclude each other; give one of them.")
    index = find_index(
        config.index,
        where=config.where,
        columns=config.index_columns,
        base=config.base,
        gap=config.index_gap,
        most=config.index_range,
        repeats=config.fetch_repeats,
        access=access,
    )
    return Given([], index)
