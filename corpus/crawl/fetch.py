"""An archive as a seekable file, wherever it lies. What lies on the web is copied first, and copied whole.

A connection that is cut looks like the end of the file, so what came is held against the length that the
server told, and the rest is asked for again.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from corpus.engine import storage
from corpus.engine.errors import UserError

PAUSES = (1.0, 4.0, 16.0, 60.0)  # seconds before each further attempt
_CHUNK = 1 << 20
_TIMEOUT = 60
_PASSING = frozenset({408, 425, 429})  # and all of 5xx: the same request may be answered later
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class ArchiveError(UserError):
    """An archive that cannot be opened, fetched or read on: its store fails, not its content."""


@contextlib.contextmanager
def open_archive(path: str, *, pauses: Sequence[float] = PAUSES) -> Iterator[BinaryIO]:
    """The archive as a seekable file. Raises ArchiveError with one sentence, also while it is read."""
    with contextlib.ExitStack() as stack:
        if storage.is_http(path):
            file: BinaryIO = stack.enter_context(tempfile.TemporaryFile())
            fetch(path, file, pauses=pauses)
            file.seek(0)
        else:
            try:
                file = stack.enter_context(storage.open_input(path))
            except OSError as error:
                raise _unreadable(path, error) from error
        yield _Named(path, file)  # type: ignore[misc]


def fetch(path: str, target: BinaryIO, *, pauses: Sequence[float] = PAUSES) -> None:
    """Copy a file from the web to the start of `target`, in several attempts if need be.

    An attempt goes on where the last one ended if the server can do so with the file unchanged. Raises
    ArchiveError when it says no for good, or all attempts have failed.
    """
    version = ""
    for pause in (*pauses, None):
        try:
            version = _attempt(path, target, version)
            return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # what was asked for is not there: the file has changed
                _restart(target)
            elif error.code < 500 and error.code not in _PASSING:
                raise _unreadable(path, error) from error
            failure: Exception = error
        except (_CutError, OSError, http.client.HTTPException) as error:
            version = error.version if isinstance(error, _CutError) else version
            failure = error
        if pause is None:
            raise _unreadable(path, failure) from failure
        time.sleep(pause)


class _CutError(Exception):
    """The connection ended early; `version` is the ETag or date of what has come so far."""

    def __init__(self, there: int, size: int, version: str) -> None:
        super().__init__(f"the connection ended after {there:,} of {size:,} bytes")
        self.version = version


class _Named:
    """A file whose errors name it, so that they are told from errors of the output."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path, self._file = path, file

    def read(self, n: int = -1) -> bytes:
        try:
            return self._file.read(n)
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def seek(self, position: int) -> int:
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()


def _attempt(path: str, target: BinaryIO, version: str) -> str:
    """Fetch what is missing in `target`, which is cut to nothing if the server begins anew."""
    request = storage.http_request(path)
    there = target.tell()
    if there and version:
        request.add_header("Range", f"bytes={there}-")
        request.add_header("If-Range", version)
    elif there:
        _restart(target)
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        part = _RANGE.match(answer.headers.get("Content-Range") or "") if answer.status == 206 else None
        if part is None or int(part.group(1)) != there:
            _restart(target)
        length = answer.headers.get("Content-Length")
        size = target.tell() + int(length) if (length or "").isdigit() else -1
        version = _strong(answer.headers.get("ETag") or "") or answer.headers.get("Last-Modified") or ""
        try:
            while chunk := answer.read(_CHUNK):
                target.write(chunk)
        except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
            raise _CutError(target.tell(), size, version) from error
    if 0 <= target.tell() < size:
        raise _CutError(target.tell(), size, version)
    return version


def _strong(etag: str) -> str:
    return "" if etag.startswith("W/") else etag  # a weak one does not promise equal bytes


def _restart(target: BinaryIO) -> None:
    target.seek(0)
    target.truncate()


def _unreadable(path: str, error: Exception) -> ArchiveError:
    words = str(getattr(error, "strerror", None) or getattr(error, "reason", None) or error)
    code = f"{error.code} " if isinstance(error, urllib.error.HTTPError) else ""
    reason = code + (words.splitlines() or [type(error).__name__])[0].rstrip(".")
    return ArchiveError(f"cannot read {storage.redact(path)}: {reason}.")
