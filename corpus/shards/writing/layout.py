"""Which rows lie in which file: sizes by bytes, ranges of a hash, names.

Rows are ordered by a 64-bit hash of their id. The hash is cut into slices of equal width; bytes are summed
by slice, and each file takes a run of slices with about its share of the bytes. So the order is one over all
files of a source, and nobody sorts more than one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

MIB = 1 << 20
LEAST_FILES, LEAST_FILE_BYTES = 16, 32 * MIB
LEAST_GROUPS, LEAST_GROUP_BYTES = 64, MIB
SLICES_PER_FILE_LOG2 = 5
MOST_SLICES_LOG2 = 20


@dataclass(frozen=True)
class Sizes:
    """Bytes of a file and of a row group, before compression."""

    file: int
    group: int


@dataclass(frozen=True)
class Source:
    """One source of one set."""

    set: str
    name: str

    @property
    def folder(self) -> str:
        return f"{self.set}/{self.name}"


@dataclass(frozen=True)
class ShardFile:
    """A file to be written: the rows of `source` in the slices first..last."""

    source: Source
    number: int
    files: int
    first: int
    last: int
    group_bytes: int

    @property
    def name(self) -> str:
        return f"{self.source.set}-{self.source.name}-{self.number:05d}-of-{self.files:05d}.parquet"

    @property
    def path(self) -> str:
        return f"{self.source.folder}/{self.name}"


def sizes(total: int, most_file: int, most_group: int) -> Sizes:
    """Sizes for a source of `total` bytes.

    A source has at least 16 files and 64 row groups, so that there is work for many ranks, unless they would
    be smaller than 32 MiB and 1 MiB; and none is larger than the given bounds.
    """
    file = max(-(-total // LEAST_FILES), LEAST_FILE_BYTES)
    group = max(-(-total // LEAST_GROUPS), LEAST_GROUP_BYTES)
    return Sizes(min(file, most_file), min(group, most_group, most_file))


@dataclass(frozen=True)
class Slices:
    """Slices from the place `first` on, each of 2^(shift + 1) places."""

    first: int
    shift: int


@dataclass(frozen=True)
class Span:
    """The first and the last place of a source: a mix may take only a part of the hash's range."""

    first: int
    last: int

    def slices(self, log2: int) -> Slices:
        """At most 2^log2 slices over the span, and more than half of that where there are so many places."""
        width = (self.last >> 1) - (self.first >> 1)
        return Slices(self.first, max(width.bit_length() - log2, 0))


def slices_log2(total: int, file_bytes: int) -> int:
    """Into how many slices (as a power of two) a source of `total` bytes is cut: some 32 per file."""
    files = max(-(-total // file_bytes), 1)
    return min((files - 1).bit_length() + SLICES_PER_FILE_LOG2, MOST_SLICES_LOG2)


def files_of(source: Source, sums: Mapping[int, int], found: Sizes) -> list[ShardFile]:
    """The files of a source with the bytes `sums` by slice; none for a source without rows."""
    runs = list(_runs(sorted(sums.items()), max(-(-sum(sums.values()) // found.file), 1)))
    return [
        ShardFile(source, number, len(runs), first, last, found.group)
        for number, (first, last) in enumerate(runs)
    ]


def _runs(slices: Iterable[tuple[int, int]], files: int) -> Iterator[tuple[int, int]]:
    """(first, last) of runs of slices; run i ends where the running sum reaches i + 1 shares of the whole."""
    ordered = list(slices)
    total, before, first, made = sum(size for _, size in ordered), 0, None, 0
    for number, size in ordered:
        first = number if first is None else first
        before += size
        if before * files >= total * (made + 1):
            yield first, number
            made = before * files // total if total else made
            first = None
    if first is not None:
        yield first, ordered[-1][0]
