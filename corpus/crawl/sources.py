"""What the filter reads: archives under the names that tables call them by, and the records in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus.crawl.fetch import open_archive
from corpus.crawl.records import PAGE_BYTES, Damage, Record, read_records
from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile, expand

SUFFIXES = (".warc", ".warc.gz")


@dataclass(frozen=True)
class Archive:
    """An input file under the name that tables call it by, wherever it lies: equal archives, equal tables."""

    name: str
    file: InputFile


def find_archives(patterns: Sequence[str], base: str = "") -> list[Archive]:
    """The archives of `input=`, sorted by path. UserError where there is none or two cannot be told apart."""
    if not patterns:
        raise UserError(
            "the key 'input' is empty; give input= one or more WARC files, folders, globs or path lists."
        )
    archives = with_names(expand(patterns, base=base, suffixes=SUFFIXES))
    for name, times in sorted(Counter(archive.name for archive in archives).items()):
        if times > 1:
            raise UserError(
                f"the input {name} is given {times} times with other credentials or queries; give it once."
            )
    return archives


def with_names(files: Sequence[InputFile]) -> list[Archive]:
    """Each file under its base name; those that share one under their whole path (without credentials)."""
    names = [file.path.rpartition("/")[2] for file in files]
    times = Counter(names)
    chosen = (name if times[name] == 1 else storage.redact(file.path) for name, file in zip(names, files))
    return [Archive(name, file) for name, file in zip(chosen, files)]


def read_archive(archive: Archive, page_bytes: int = PAGE_BYTES) -> Iterator[Record | Damage]:
    """All records of an archive in order, and the byte ranges that hold none. ArchiveError where its store
    does not give it."""
    with open_archive(archive.file.path) as stream:
        yield from read_records(stream, archive.name, archive.file.bytes, page_bytes)
