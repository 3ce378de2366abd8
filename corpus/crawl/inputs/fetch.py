"""An archive as a seekable file, or ranges of it, wherever it lies. What breaks is taken up where it broke.

What lies on the web is copied to disk by a thread while it is parsed (`engine.spool`): one request for each
archive, over a connection that lasts as long as the transfer and not as long as the parsing.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from corpus.crawl.inputs.steady import PROGRESS, SteadyFile
from corpus.engine import storage, web
from corpus.engine.attempts import ACCESS, Access, Attempts, WebError
from corpus.engine.errors import UserError
from corpus.engine.spool import Spool

_MISSING = re.compile(r"NO_SUCH_KEY|NOT_FOUND|HTTP status 404")
_GONE = frozenset({404, 410})


class ArchiveError(UserError):
    """An archive that cannot be opened, fetched or read on: its store fails, not its content.

    `missing`: the store says that there is no such archive, and will say so again.
    """

    missing = False


@contextlib.contextmanager
def open_archive(path: str, *, access: Access = ACCESS, size: int = -1) -> Iterator[BinaryIO]:
    """The archive as a seekable file; `size` is what a listing said, -1 where it said nothing.

    Raises ArchiveError with one sentence, also while it is read.
    """
    with contextlib.ExitStack() as stack:
        try:
            file: Any = Spool(path, access, size) if storage.is_http(path) else SteadyFile(path, access)
        except OSError as error:
            raise unreadable(path, error) from error
        stack.callback(file.close)
        yield cast(BinaryIO, _Named(path, file))


@contextlib.contextmanager
def open_ranges(path: str, *, access: Access = ACCESS) -> Iterator[Callable[[int, int], bytes]]:
    """A function that reads bytes start..end (end excluded) of the archive, fewer where it ends before.

    It may be called from several threads where the archive lies on the web. Raises ArchiveError.
    """
    if storage.is_http(path):
        yield lambda start, end: _range_on_web(path, start, end, access)
        return
    with open_archive(path, access=access) as file:

        def read(start: int, end: int) -> bytes:
            file.seek(start)
            return b"".join(iter(lambda: file.read(end - file.tell()), b""))

        yield read


@contextlib.contextmanager
def open_seekable(path: str, *, access: Access = ACCESS) -> Iterator[BinaryIO]:
    """The file for reading here and there: on the web, each read is a request for its range.

    Made for Parquet, of which a few columns are read. Raises ArchiveError.
    """
    if not storage.is_http(path):
        with open_archive(path, access=access) as file:
            yield file
        return
    try:
        size, _ = web.head(path)
    except WebError as error:
        raise unreadable(path, error) from error
    yield cast(BinaryIO, _Pieces(path, size, access))


def _range_on_web(path: str, start: int, end: int, access: Access) -> bytes:
    attempts, data, version = Attempts(access), bytearray(), ""
    while True:
        before = len(data)
        try:
            with web.get(path, access, start=start + before, end=end, version=version) as answer:
                if answer.start != start + before:
                    if not version:
                        raise WebError("its server does not serve ranges, which index= needs", final=True)
                    raise _ChangedError
                version = answer.version
                for chunk in answer.chunks():
                    data += chunk
                    if len(data) >= end - start:
                        break
            del data[end - start :]
            return bytes(data)
        except _ChangedError:  # what came of the older version fits no longer
            data, version = bytearray(), ""
        except WebError as error:
            if error.status == 416:
                return bytes(data)
            if not version:  # nobody could say whether the rest belongs to what has come
                data = bytearray()
            try:
                attempts.wait(error, progress=len(data) - before >= PROGRESS)
            except WebError as last:
                raise unreadable(path, last) from last


class _ChangedError(Exception):
    pass


class _Pieces(io.RawIOBase):
    """A file on the web, read by ranges."""

    def __init__(self, path: str, size: int, access: Access) -> None:
        self._path, self._size, self._access, self._position = path, size, access, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._position + size, self._size)
        if end <= self._position:
            return b""
        data = _range_on_web(self._path, self._position, end, self._access)
        self._position += len(data)
        return data


class _Named(io.RawIOBase):
    """A file whose errors name it, so that they are told from errors of the output."""

    def __init__(self, path: str, file: Any) -> None:
        self._path, self._file = path, file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        with self._errors_named():
            return cast(bytes, self._file.read(size))

    def readinto(self, buffer: Any) -> int:
        with self._errors_named():
            return int(self._file.readinto(buffer))

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        with self._errors_named():
            return int(self._file.seek(position, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    @contextlib.contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unreadable(self._path, error) from error


def unreadable(path: str, error: Exception) -> ArchiveError:
    found = ArchiveError(f"cannot read {storage.redact(path)}: {storage.reason_of(error)}.")
    gone = getattr(error, "status", None) in _GONE or isinstance(error, FileNotFoundError)
    found.missing = gone or bool(_MISSING.search(str(error)))
    return found
