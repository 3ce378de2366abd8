"""One pass over each file: sha256 of its bytes and, of Parquet, the schema, the row groups and some columns.

A local file is hashed in pieces, and its columns are then read while the system still has it in memory. A
file on an object store is asked for once: what is hashed goes to a temporary file, from which the columns are
read.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.manifest import OutputFile

CHUNK = 1 << 20
BATCH_ROWS = 1 << 16
Reader = Callable[[Any], None]  # takes record batches, from several threads


@dataclass(frozen=True)
class Wanted:
    """What is read of a table beside its bytes: `readers` by the columns that each of them needs.

    Columns that are `coded` come as dictionaries: what repeats is not written out for each row.
    """

    readers: Sequence[tuple[tuple[str, ...], Reader]] = ()
    coded: tuple[str, ...] = ()

    def columns(self, there: Sequence[str]) -> list[str]:
        names = {name for columns, _ in self.fitting(there) for name in columns}
        return [name for name in there if name in names]

    def fitting(self, there: Sequence[str]) -> list[tuple[tuple[str, ...], Reader]]:
        return [(columns, read) for columns, read in self.readers if set(columns) <= set(there)]


@dataclass
class FileScan:
    """What one file turned out to hold; `error` says why its rows could not be read."""

    file: OutputFile
    there: bool = True
    size: int = 0
    sha256: str = ""
    rows: int | None = None
    schema: Any = None
    groups: list[tuple[int, int]] = field(default_factory=list)  # rows and bytes before compression
    error: str = ""


def scan(
    folder: str, files: Mapping[str, Sequence[OutputFile]], wanted: Mapping[str, Wanted], threads: int = 0
) -> dict[str, list[FileScan]]:
    """The scans of all files by table, in the manifest's order; `wanted` says what to read of a table."""
    jobs = [(table, file) for table, members in files.items() for file in members]
    found: dict[str, list[FileScan]] = {table: [] for table in files}
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        scans = pool.map(lambda job: scan_file(folder, job[1], wanted.get(job[0], Wanted())), jobs)
        for (table, _), result in zip(jobs, scans):
            found[table].append(result)
    return found


def scan_file(folder: str, file: OutputFile, wanted: Wanted) -> FileScan:
    """Hash one file and read the wanted columns. What goes wrong is told in the result."""
    result = FileScan(file)
    path = storage.join(folder, file.path)
    try:
        with _hashed(path, result) as stream:
            if stream is not None:
                _read(stream, result, wanted)
    except FileNotFoundError:
        result.there = False
    except (pa.ArrowException, OSError, ValueError) as error:
        result.error = reason_of(error)
    return result


def reason_of(error: BaseException) -> str:
    return storage.reason_of(error) or type(error).__name__


@contextmanager
def _hashed(path: str, result: FileScan) -> Iterator[BinaryIO | None]:
    """Hash the file at `path` into `result`; yields a stream to read Parquet from, None where it is none."""
    is_table = path.endswith(".parquet")
    local = isinstance(storage.resolve(path)[0], pafs.LocalFileSystem)
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    with ExitStack() as opened:
        stream = opened.enter_context(storage.open_input(path))
        copy = opened.enter_context(tempfile.TemporaryFile()) if is_table and not local else None
        while count := stream.readinto(buffer):  # type: ignore[attr-defined]
            digest.update(buffer[:count])
            result.size += count
            if copy is not None:
                copy.write(buffer[:count])
        result.sha256 = digest.hexdigest()
        yield (copy or stream) if is_table else None


def _read(stream: BinaryIO, result: FileScan, wanted: Wanted) -> None:
    stream.seek(0)
    parquet = pq.ParquetFile(stream, pre_buffer=False)
    about = parquet.metadata
    result.rows, result.schema = about.num_rows, parquet.schema_arrow
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        result.groups.append((group.num_rows, group.total_byte_size))
    names = result.schema.names
    columns = wanted.columns(names)
    if not columns:
        return
    coded = [name for name in wanted.coded if name in columns]
    rows = pq.ParquetFile(stream, metadata=about, read_dictionary=coded, pre_buffer=False)
    for batch in rows.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
        for _, read in wanted.fitting(names):
            read(batch)
