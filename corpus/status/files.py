"""Reading while somebody else writes: what is gone or half written is no error, and nothing is read twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pyarrow as pa

from corpus.engine import storage

Value = TypeVar("Value")
_THREADS = 16  # small files of an object store take a round trip each


@dataclass(frozen=True)
class File:
    """A file of a folder; `path` is relative to it, `changed` in seconds since the epoch."""

    path: str
    bytes: int
    changed: float

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def files_in(folder: str) -> list[File]:
    """All files below a folder, those under temporary names too; none where it is not there or just went."""
    try:
        root = len(storage.resolve(folder)[1].rstrip("/")) + 1
        found = storage.list_files(folder)
    except OSError:
        return []
    return [File(info.path[root:], info.size or 0, (info.mtime_ns or 0) / 1e9) for info in found]


class Kept(Generic[Value]):
    """What was read of files, kept for as long as they do not change.

    `read` gives None for a file that cannot be read yet; that one is tried again at the next look.
    """

    def __init__(self, read: Callable[[str], Value | None]) -> None:
        self._read = read
        self._known: dict[str, tuple[int, float, Value]] = {}

    def of(self, folder: str, files: Iterable[File]) -> list[Value]:
        """The values of those files that can be read, in the order of the files."""
        wanted = {storage.join(folder, file.path): (file.bytes, file.changed) for file in files}
        self._known = {path: known for path, known in self._known.items() if known[:2] == wanted.get(path)}
        new = [path for path in wanted if path not in self._known]
        if new:
            with ThreadPoolExecutor(min(_THREADS, len(new))) as pool:
                for path, value in zip(new, pool.map(self._try, new)):
                    if value is not None:
                        self._known[path] = (*wanted[path], value)
        return [self._known[path][2] for path in wanted if path in self._known]

    def _try(self, path: str) -> Value | None:
        try:
            return self._read(path)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            return None


def json_object(path: str) -> dict[str, Any] | None:
    """A JSON object; None where the file holds, or does not yet hold, anything else."""
    value = json.loads(storage.read_bytes(path))
    return value if isinstance(value, dict) else None
