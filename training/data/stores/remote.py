"""Bytes of files on the web and in object stores: ranges, whole files, lists; asked again with back-off.

An answer of 408, 425, 429 or 5xx, a timeout, a broken connection and a short read pass; what a store says
with certainty (no such file, no permission) is its last word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pyarrow.fs import FileType

from corpus.engine import storage, web
from corpus.engine.attempts import PAUSES, Access, Attempts, WebError
from corpus.engine.errors import DataError, UserError
from corpus.engine.manifest import MANIFEST

ACCESS = Access(connections=8, pauses=PAUSES[:6], timeout=60.0)
_CHUNK = 8 << 20
_MOST_MANIFEST = 256 << 20  # bytes; it is held whole
_FINAL = re.compile(
    "NO_SUCH_(KEY|BUCKET)|ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE|HTTP response code 40[134]"
)
T = TypeVar("T")


def is_remote(path: str) -> bool:
    return "://" in path


def split(path: str) -> tuple[str, str]:
    """The folder that holds a folder or address, and the name in it; a query stays with the folder."""
    base, mark, query = path.partition("?") if is_remote(path) else (path, "", "")
    folder, _, name = base.rpartition("/")
    return f"{folder}{mark}{query}", name


def below(folder: str, name: str) -> str:
    """The path of a file in a folder or at an address, which may end with a query."""
    base, mark, query = folder.partition("?") if is_remote(folder) else (folder, "", "")
    return f"{base}/{name}{mark}{query}"


def read_manifest(stage: str, access: Access = ACCESS) -> dict[str, Any]:
    """The manifest of a shard stage at an address; empty where it has none."""
    path = below(stage, MANIFEST)
    try:
        size = size_of(path, access)
        if size > _MOST_MANIFEST:
            raise DataError(
                f"{storage.redact(path)} has {size:,} bytes; a manifest has {_MOST_MANIFEST:,} at most."
            )
        return dict(json.loads(read_range(path, 0, size, access)))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise UserError(f"{storage.redact(path)} is damaged ({error}); run the shard job again.") from error


def list_files(folder: str, access: Access = ACCESS) -> dict[str, int]:
    """Bytes of each file below `folder`, by path below it. The web has no lists: UserError."""
    if storage.is_http(folder):
        raise UserError(
            f"{storage.redact(folder)} cannot be listed: on the web a shard set needs the {MANIFEST} of its "
            "stage in the folder above it."
        )
    found = _again(folder, lambda: storage.list_files(folder), access)
    root = len(storage.resolve(folder)[1].rstrip("/")) + 1
    return {info.path[root:]: int(info.size) for info in found}


def exists(path: str, access: Access = ACCESS) -> bool:
    """Whether a file is there, be it empty, or in a store a folder."""
    try:
        if storage.is_http(path):
            _again(path, lambda: _web_answers(path, access), access)
            return True
        filesystem, inner = storage.resolve(path)
        info = _again(path, lambda: filesystem.get_file_info(inner), access)
        return bool(info.type != FileType.NotFound)
    except FileNotFoundError:
        return False


def size_of(path: str, access: Access = ACCESS) -> int:
    """Bytes of a file. Raises FileNotFoundError where there is none."""
    if storage.is_http(path):
        return _again(path, lambda: _web_size(path, access), access)
    filesystem, inner = storage.resolve(path)
    info = _again(path, lambda: filesystem.get_file_info(inner), access)
    if not info.is_file:
        raise FileNotFoundError(path)
    return int(info.size)


def read_range(path: str, start: int, stop: int, access: Access = ACCESS) -> bytes:
    """Bytes start..stop of a file."""
    return b"".join(read_from(path, start, stop, access))


def read_from(path: str, start: int, stop: int, access: Access = ACCESS) -> Iterator[bytes]:
    """Bytes start..stop in pieces. After a fault it goes on where it broke; progress resets the count."""
    attempts, at = Attempts(access), start
    open_piece = _web_pieces if storage.is_http(path) else _store_pieces
    while at < stop:
        before = at
        try:
            for piece in open_piece(path, at, stop, access):
                yield piece
                at += len(piece)
            if at < stop:
                raise WebError(f"it ended after {at:,} of {stop:,} bytes")
        except OSError as error:
            _wait(path, attempts, error, progress=at > before)


def _web_size(path: str, access: Access) -> int:
    with web.get(path, access, start=0, end=1) as answer:
        if answer.size < 0:
            raise WebError("the server does not say how long the file is", final=True)
        return answer.size


def _web_answers(path: str, access: Access) -> None:
    with web.get(path, access):  # no range: an empty file has none
        pass


def _web_pieces(path: str, start: int, stop: int, access: Access) -> Iterator[bytes]:
    with web.get(path, access, start=start, end=stop) as answer:
        at = answer.start  # 0 where the server knows no ranges
        for chunk in answer.chunks():
            wanted = chunk[max(0, start - at) : max(0, stop - at)]
            at += len(chunk)
            if wanted:
                yield wanted
            if at >= stop:
                return


def _store_pieces(path: str, start: int, stop: int, _access: Access) -> Iterator[bytes]:
    filesystem, inner = storage.resolve(path)
    with filesystem.open_input_file(inner) as stream:
        for at in range(start, stop, _CHUNK):
            wanted = min(_CHUNK, stop - at)
            piece = stream.read_at(wanted, at)
            if piece:
                yield piece
            if len(piece) < wanted:
                return


def _again(path: str, work: Callable[[], T], access: Access) -> T:
    attempts = Attempts(access)
    while True:
        try:
            return work()
        except OSError as error:
            _wait(path, attempts, error)


def _wait(path: str, attempts: Attempts, error: OSError, *, progress: bool = False) -> None:
    """Wait for the next attempt. Raises FileNotFoundError, or UserError that says what is not there."""
    told = error if isinstance(error, WebError) else WebError(storage.reason_of(error))
    told.final = told.final or isinstance(error, (FileNotFoundError, PermissionError))
    told.final = told.final or bool(_FINAL.search(str(error)))
    try:
        attempts.wait(told, progress=progress)
    except WebError as last:
        if isinstance(error, FileNotFoundError) or last.status in (404, 410):
            raise FileNotFoundError(path) from None
        raise UserError(
            f"{storage.redact(path)} cannot be read: {last}; see that the store is there and may be read, "
            "then give the same command again."
        ) from None
