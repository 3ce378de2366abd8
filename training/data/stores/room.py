"""The bytes of a cache folder: how many are taken, and which copies go when more are needed.

A finished copy that is being read is locked by its readers, one that is being written by the lock file beside
it. Neither goes. What a killed process left behind is locked by nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import BinaryIO

from corpus.engine.errors import UserError

COPY, PART, LOCK = ".parquet", ".part", ".lock"
_PATIENCE = 120.0  # seconds that a copy waits for readers to let go of others; a read takes about one


def make_room(folder: Path, part: BinaryIO, size: int, limit: int, name: str) -> None:
    """Take `size` bytes for `part`, a file of the folder, and evict copies until all fit into `limit`.

    The least recently read go first. Raises UserError where `size` cannot fit; OSError for a full disk.
    """
    gib = 1 << 30
    if size > limit:
        raise UserError(f"{name} has {size / gib:.3g} GiB and store.gib allows {limit / gib:.3g}; raise it.")
    until = time.monotonic() + _PATIENCE
    with open(folder / "room.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time, or two would take the same space
        while sum(taken for _, taken, _ in _entries(folder)) + size > limit:
            if not _evict(folder) and time.monotonic() > until:
                raise UserError(
                    f"all copies in {folder} are being read and leave no room for {name}; raise store.gib."
                )
        if size:
            os.posix_fallocate(part.fileno(), 0, size)


def _entries(folder: Path) -> list[tuple[int, int, Path]]:
    """(time of the latest use, bytes, path) of all copies, finished or not, oldest first."""
    found = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.suffix in (COPY, PART):
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
    return sorted(found)


def _evict(folder: Path) -> bool:
    """Remove the copy that was not read for the longest time and that nobody uses now."""
    for _, size, path in _entries(folder):
        guard = path.with_suffix(LOCK) if path.suffix == PART else path
        with contextlib.suppress(OSError), open(guard, "rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if size:
                path.unlink()
                return True
    time.sleep(0.05)
    return False
