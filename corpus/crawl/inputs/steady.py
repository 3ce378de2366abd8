"""Files of stores such as S3 and HDFS, which are read by ranges and may fail at each of them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any, cast

from corpus.engine import storage
from corpus.engine.attempts import Access, Attempts, WebError

PROGRESS = 1 << 20  # bytes that must come between two failures for the second to count as the first
_FINAL = re.compile(r"ACCESS_DENIED|NO_SUCH|NOT_FOUND|INVALID|HTTP status 4(?!08|25|29)\d\d")  # of S3


class SteadyFile(io.RawIOBase):
    """A file of a store that is opened again, at the byte where it was, when a read fails."""

    def __init__(self, path: str, access: Access) -> None:
        self._path, self._attempts = path, Attempts(access)
        self._remote = "://" in path and not path.startswith("file://")
        self._size = -1
        self._position = self._failed_at = 0
        self._file: Any = None
        self._try(lambda: None)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = int(self._try(lambda: self._file.seek(offset, whence)))
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        data = self._try(lambda: self._file.read(None if size is None or size < 0 else size))
        self._position += len(data)
        return cast(bytes, data)

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()

    def _try(self, work: Callable[[], Any]) -> Any:
        while True:
            try:
                if self._file is None:
                    self._open()
                return work()
            except OSError as error:
                self._file = None
                final = isinstance(error, (FileNotFoundError, PermissionError, IsADirectoryError))
                if final or not self._remote or _FINAL.search(str(error)):
                    raise
                progress = self._position - self._failed_at >= PROGRESS
                self._failed_at = self._position
                self._attempts.wait(WebError(storage.reason_of(error)), progress=progress)

    def _open(self) -> None:
        file: Any = storage.open_input(self._path)
        if self._remote:
            size = file.size()
            if self._size not in (-1, size):
                raise FileNotFoundError("the file has changed while it was read")
            self._size = size
        if self._position:
            file.seek(self._position)
        self._file = file
