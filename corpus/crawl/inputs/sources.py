"""What the filter reads: archives under the names that tables call them by, and the records in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus.crawl.inputs.fetch import ArchiveError, open_archive
from corpus.crawl.inputs.ranges import Selection, read_selection
from corpus.crawl.inputs.snapshot import is_snapshot, snapshot_files
from corpus.crawl.warc.records import PAGE_BYTES, Damage, Record, read_records
from corpus.engine import storage
from corpus.engine.attempts import ACCESS, Access
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile, expand, stat

SUFFIXES = tuple(
    f"{name}{container}" for name in (".warc", ".arc") for container in ("", ".gz", ".zst", ".lz4")
)


@dataclass(frozen=True)
class Archive:
    """An input file under the name that tables call it by, wherever it lies: equal archives, equal tables.

    With a `selection` it is no whole file, but those records of one or more archives that an index names.
    """

    name: str
    file: InputFile
    selection: Selection | None = None
    access: Access = ACCESS


def find_archives(patterns: Sequence[str], base: str = "", access: Access = ACCESS) -> list[Archive]:
    """The archives of `input=`, sorted by path. UserError where there is none or two cannot be told apart."""
    if not patterns:
        raise UserError(
            "the key 'input' is empty; give input= one or more WARC files, folders, globs, path lists or "
            "snapshots (cc:CC-MAIN-2024-22[0:100])."
        )
    found = {file.path: file for name in patterns if is_snapshot(name) for file in snapshot_files(name, base)}
    others = [name for name in patterns if not is_snapshot(name)]
    found.update({file.path: file for file in expand(others, base=base, suffixes=SUFFIXES, lenient=True)})
    archives = with_names([found[path] for path in sorted(found)], access)
    for name, times in sorted(Counter(archive.name for archive in archives).items()):
        if times > 1:
            raise UserError(
                f"the input {name} is given {times} times with other credentials or queries; give it once."
            )
    return archives


def with_names(files: Sequence[InputFile], access: Access = ACCESS) -> list[Archive]:
    """Each file under its base name; those that share one under their whole path (without credentials)."""
    names = [storage.redact(file.path).rpartition("/")[2] for file in files]
    times = Counter(names)
    chosen = (name if times[name] == 1 else storage.redact(file.path) for name, file in zip(names, files))
    return [Archive(name, file, access=access) for name, file in zip(chosen, files)]


def describe(files: Sequence[InputFile]) -> str:
    """How many files there are and how large they are together, as `--dry-run` tells it."""
    sizes = [file.bytes for file in files if file.bytes >= 0]
    count = f"{len(files):,} file{'s' * (len(files) != 1)}"
    if not sizes:
        return f"{count} of unknown size"
    total = sum(sizes) * len(files) / len(sizes) / 1e9
    if len(sizes) == len(files):
        return f"{count}, {total:,.3f} GB"
    return f"{count}, about {total:,.0f} GB (from the sizes of {len(sizes):,} of them)"


def require_unchanged(archive: Archive) -> None:
    """ArchiveError where an archive is no longer what the run was begun with: its rows would be of neither.

    On the web the versions of the answers are compared while it is read; an index names bytes of archives.
    """
    before = archive.file
    if archive.selection is not None or storage.is_http(before.path) or before.bytes < 0:
        return
    try:
        now = stat(before.path)
    except UserError as error:
        raise ArchiveError(str(error)) from error
    if (now.bytes, now.etag) != (before.bytes, before.etag):
        raise ArchiveError(f"{storage.redact(before.path)} has changed since the run began; run it again.")


def read_archive(archive: Archive, page_bytes: int = PAGE_BYTES) -> Iterator[Record | Damage]:
    """All records of an archive in order, and the byte ranges that hold none; of a selection one record for
    each row of the index. ArchiveError where its store does not give it."""
    if archive.selection is not None:
        yield from read_selection(archive.selection, page_bytes, archive.access)
        return
    with open_archive(archive.file.path, access=archive.access, size=archive.file.bytes) as stream:
        yield from read_records(stream, archive.name, archive.file.bytes, page_bytes)
