"""Shard files as open local files: those on this machine as they lie, others through a disk cache.

The cache is a folder that all processes of a machine share. A copy appears whole, under a name that its
content or address decides; while it is written, one process holds the lock beside it and the others wait.
A reader holds a shared lock on the copy, and what is locked is not evicted. All locks are the kernel's, so
none outlives its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from corpus.engine import storage
from corpus.engine.attempts import Access
from corpus.engine.errors import DataError, UserError
from training.data.stores import remote
from training.data.stores.config import StoreConfig
from training.data.stores.footers import footer_hash, tail_of
from training.data.stores.room import COPY, LOCK, PART, make_room

_MOST_FILE = 1 << 30  # bytes of one file of a tokenizer, which is held whole


class ShardCache:
    """Opens shard files. Threads and processes may share one folder."""

    def __init__(self, config: StoreConfig | None = None, access: Access = remote.ACCESS) -> None:
        config = config or StoreConfig()
        home = Path.home() / ".cache" / "hephaestus-forge" / "shards"
        self.folder = Path(config.cache).expanduser() if config.cache else home
        self.limit, self.depth, self.access = round(config.gib * (1 << 30)), config.ahead, access
        self._verified: set[str] = set()
        self._running: dict[str, Future[None]] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def opened(self, file: Any) -> Iterator[str]:
        """A path of this machine where the ShardFile may be read inside the block.

        Raises DataError where its bytes are not those that the manifest lists.
        """
        if remote.is_remote(file.path):
            with self._copy(file) as path:
                yield path
        else:
            self._verify(file)
            yield file.path

    def ahead(self, files: Iterable[Any]) -> None:
        """Copy files in the background. A fault is left to the reader who needs the file, who asks again."""
        for file in files:
            if not remote.is_remote(file.path) or (self.folder / (_key(file) + COPY)).exists():
                continue
            with self._guard:
                running = self._running.get(file.path)
                if running is None or running.done():
                    self._threads = self._threads or ThreadPoolExecutor(2, "shards")
                    self._running[file.path] = self._threads.submit(self._fetch_quietly, file)

    def close(self) -> None:
        """Wait for the copies that are being made; those that have not begun are not made."""
        with self._guard:
            threads, self._threads = self._threads, None
        if threads:
            threads.shutdown(wait=True, cancel_futures=True)

    def tail(self, path: str, size: int, sha256: str | None) -> bytes:
        """The Parquet footer of a file, with the 8 bytes behind it; kept on disk where its hash is known.

        Nothing has verified it: `forget` drops one that turns out to be wrong.
        """
        if not remote.is_remote(path):
            with _local(path) as stream:
                return tail_of(lambda start: (stream.seek(start), stream.read())[1], size, path)
        kept = self._footer(path, size, sha256)
        with contextlib.suppress(OSError):
            return kept.read_bytes()
        name = storage.redact(path)
        found = tail_of(lambda start: remote.read_range(path, start, size, self.access), size, name)
        if sha256 is not None:
            _write(kept, found)
        return found

    def forget(self, path: str, size: int, sha256: str | None) -> None:
        """Ask for the footer anew next time."""
        if remote.is_remote(path):
            self._footer(path, size, sha256).unlink(missing_ok=True)

    def _footer(self, path: str, size: int, sha256: str | None) -> Path:
        return self._folder() / f"{_name(path, size, sha256)}.footer"

    def mirror(self, folder: str, files: Mapping[str, tuple[int, str | None]]) -> Path:
        """Copy a tokenizer from an address to the cache. `files`: bytes and sha256 by name."""
        target = self._folder() / f"tokenizer-{_name(folder, sorted(files.items()))}"
        target.mkdir(exist_ok=True)
        for name, (size, sha256) in files.items():
            path = remote.below(folder, name)
            if size > _MOST_FILE:
                raise DataError(
                    f"{storage.redact(path)} has {size:,} bytes; "
                    f"a tokenizer's file has {_MOST_FILE:,} at most."
                )
            data = remote.read_range(path, 0, size, self.access)
            if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
                raise DataError(
                    f"{storage.redact(path)} is not the file that the manifest of its stage lists."
                )
            _write(target / name, data)
        return target

    def _folder(self) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"store.cache={self.folder} cannot be made: {error.strerror}.") from error
        return self.folder

    def _verify(self, file: Any) -> None:
        """Hash a local file once, where a manifest says what its hash must be."""
        if file.sha256 is None or file.path in self._verified:
            return
        digest = hashlib.sha256()
        with _local(file.path) as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        if digest.hexdigest() != file.sha256:
            raise DataError(
                f"{file.path} is damaged: its bytes are not those that the manifest of its stage lists "
                f"(sha256 {digest.hexdigest()[:16]}..., not {file.sha256[:16]}...); write it again."
            )
        self._verified.add(file.path)

    @contextlib.contextmanager
    def _copy(self, file: Any) -> Iterator[str]:
        target = self._folder() / (_key(file) + COPY)
        while True:
            with contextlib.suppress(FileNotFoundError), open(target, "rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH)
                if _is_at(stream, target):  # not evicted between the two calls
                    os.utime(target)
                    yield str(target)
                    return
            self._fetch(file)

    def _fetch_quietly(self, file: Any) -> None:
        with contextlib.suppress(UserError, DataError, OSError):
            self._fetch(file)

    def _fetch(self, file: Any) -> None:
        folder, key = self._folder(), _key(file)
        with open(folder / (key + LOCK), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            target, part = folder / (key + COPY), folder / (key + PART)
            if target.exists():
                return
            try:
                with open(part, "wb+") as stream:
                    make_room(folder, stream, file.bytes, self.limit, storage.redact(file.path))
                    self._download(stream, file)
                    os.fsync(stream.fileno())
                part.replace(target)
            except OSError as error:
                raise UserError(
                    f"a copy of {storage.redact(file.path)} cannot be written to {folder}: {error.strerror}; "
                    "make room there, or give another store.cache."
                ) from error
            finally:
                part.unlink(missing_ok=True)

    def _download(self, stream: BinaryIO, file: Any) -> None:
        name, digest = storage.redact(file.path), hashlib.sha256()
        try:
            for piece in remote.read_from(file.path, 0, file.bytes, self.access):
                stream.write(piece)
                digest.update(piece)
        except FileNotFoundError:
            raise UserError(f"{name} is gone, though it was there when the run began.") from None
        if file.sha256 is not None and digest.hexdigest() != file.sha256:
            self.forget(file.path, file.bytes, file.sha256)
            raise DataError(
                f"{name} is damaged: its bytes are not those that the manifest of its stage lists; "
                "write it again."
            )
        stream.seek(0)
        tail = tail_of(lambda start: (stream.seek(start), stream.read())[1], file.bytes, name)
        if footer_hash(tail) != file.footer:
            self.forget(file.path, file.bytes, file.sha256)
            raise DataError(
                f"{name} has changed since the run began; begin a new run in another output folder."
            )


def _local(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def _write(target: Path, data: bytes) -> None:
    """Whole or not at all; several processes may do it at once."""
    part = target.with_name(f"{target.name}.{os.getpid()}-{time.monotonic_ns()}")
    with open(part, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())  # else a crash may leave the name with other bytes
    part.replace(target)


def _is_at(stream: BinaryIO, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    return False


def _key(file: Any) -> str:
    """By content where its hash is known, so that two addresses of one file share a copy."""
    return str(file.sha256 or _name(file.path, file.bytes, file.footer))


def _name(path: str, *more: object) -> str:
    words = "\n".join(map(str, (storage.redact(path), *more)))
    return hashlib.sha256(words.encode()).hexdigest()[:40]
