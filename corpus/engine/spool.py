"""A file on the web as a seekable file: a thread copies it to disk while it is read from its start."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from typing import Any

from corpus.engine import web
from corpus.engine.attempts import ACCESS, Access, Attempts, WebError
from corpus.engine.web import Answer

_PROGRESS = 1 << 20  # bytes that an attempt must bring for the next one to count as the first
_CHANGED = "the file has changed while it was read"


class Spool(io.RawIOBase):
    """Reading waits for bytes that have not come yet; errors of the copy are raised where its bytes end.

    The host is asked once for the whole file, however slowly it is parsed, and a connection that breaks is
    taken up at the byte where it broke. `size` is what a listing said (-1: unknown); another is an error.
    """

    def __init__(self, path: str, access: Access = ACCESS, size: int = -1) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`
        self._position = 0
        self._copy = _Copy(path, access, os.dup(self._file.fileno()), size)
        threading.Thread(target=self._copy.run, name="spool", daemon=True).start()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        self._position = (self._copy.wait_for(None) if base is None else base) + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        there = self._copy.wait_for(self._position)
        view = memoryview(buffer).cast("B")[: max(0, there - self._position)]
        data = os.pread(self._file.fileno(), len(view), self._position) if len(view) else b""
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._copy.stop.set()
            self._file.close()
        super().close()


class _Copy:
    """The copying side. It owns its file handle, since it may end after the reading side."""

    def __init__(self, path: str, access: Access, handle: int, size: int) -> None:
        self.stop = threading.Event()
        self._path, self._access, self._handle, self._size = path, access, handle, size
        self._there = 0
        self._version = ""
        self._over = False
        self._error: OSError | None = None
        self._news = threading.Condition()

    def wait_for(self, position: int | None) -> int:
        """Wait until the byte at `position` (None: all of them) has come or none will; returns what has."""
        with self._news:
            self._news.wait_for(lambda: self._over or (position is not None and position < self._there))
            if self._error and (position is None or position >= self._there):
                raise self._error
            return self._there

    def run(self) -> None:
        attempts = Attempts(self._access, self.stop.wait)
        error: OSError | None = None
        try:
            while not self._is_done(attempts):
                pass
        except OSError as failure:
            error = failure
        finally:
            os.close(self._handle)
            with self._news:
                self._over, self._error = True, error
                self._news.notify_all()

    def _is_done(self, attempts: Attempts) -> bool:
        """One attempt."""
        before = self._there
        try:
            start = before if self._version else 0  # without a version nobody can say that the rest fits
            with web.get(self._path, self._access, start=start, version=self._version) as answer:
                self._take(answer)
            return True
        except WebError as error:
            if error.status == 416:
                error = WebError(_CHANGED, final=True)
            if not self.stop.is_set():
                attempts.wait(error, progress=self._there - before >= _PROGRESS)
            return self.stop.is_set()

    def _take(self, answer: Answer) -> None:
        if self._size >= 0 and answer.size >= 0 and answer.size != self._size:
            said = f"it has {answer.size:,} bytes where {self._size:,} were listed"
            raise WebError(said if not self._there else _CHANGED, final=True)
        if answer.start > self._there:
            raise WebError("the server answered with another range than it was asked for", final=True)
        self._size = max(self._size, answer.size)
        self._version = answer.version
        position = answer.start
        for chunk in answer.chunks():
            self._put(position, chunk)
            position += len(chunk)
            if self.stop.is_set():
                return
        if position < self._size:
            raise WebError(f"the connection ended after {position:,} of {self._size:,} bytes")

    def _put(self, position: int, chunk: bytes) -> None:
        """Write what is new; what has come before must be the same again: it may have been read already."""
        known = max(0, min(len(chunk), self._there - position))
        if known and os.pread(self._handle, known, position) != chunk[:known]:
            raise WebError(_CHANGED, final=True)
        rest = memoryview(chunk)[known:]
        while rest:
            written = os.pwrite(self._handle, rest, position + len(chunk) - len(rest))
            rest = rest[written:]
        with self._news:
            self._there = max(self._there, position + len(chunk))
            self._news.notify_all()
