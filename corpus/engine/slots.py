"""At most a few connections to one host from one machine, counted over all its processes and threads.

A slot is a locked file. The system gives a lock up with the process that held it, so none is left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import random
import stat
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache

_POLL = 0.02  # seconds between two looks at slots that are all taken; a request takes longer than that
_WAITING = random.SystemRandom()  # decides who is served first, never what is read


@contextlib.contextmanager
def slot(host: str, connections: int) -> Iterator[None]:
    """Hold one of the `connections` slots of `host`; waits for one that is free."""
    name = hashlib.sha256(host.encode()).hexdigest()[:16]
    places = [os.path.join(_folder(), f"{name}-{number}") for number in range(connections)]
    handle = _take(places)
    while handle is None:
        time.sleep(_WAITING.uniform(_POLL, 3 * _POLL))
        handle = _take(places)
    try:
        yield
    finally:
        os.close(handle)


def _take(places: list[str]) -> int | None:
    for place in _WAITING.sample(places, len(places)):
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except OSError:
            os.close(handle)
    return None


@lru_cache(maxsize=1)
def _folder() -> str:
    """A folder of this user alone. Where another user sits on its name, one of this process alone."""
    folder = os.path.join(tempfile.gettempdir(), f"hephaestus-forge-{os.getuid()}")
    with contextlib.suppress(OSError):
        os.mkdir(folder, 0o700)
    found = os.lstat(folder) if os.path.lexists(folder) else None
    if found and stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
        return folder
    return tempfile.mkdtemp(prefix="hephaestus-forge-")
