"""The end of a Parquet file: its footer, and the 8 bytes behind it that say how long it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from corpus.engine.errors import DataError

MOST = 512 << 20  # bytes of a footer; what a file says of its own length is not to be trusted
_TAIL = 256 << 10


def tail_of(read: Callable[[int], bytes], size: int, name: str) -> bytes:
    """The file from its footer on; `read(start)` gives the bytes from `start` to the end.

    Raises DataError for a footer of more than `MOST` bytes.
    """
    data = read(max(0, size - _TAIL))
    length = int.from_bytes(data[-8:-4], "little") + 8
    if MOST < length <= size:
        raise DataError(f"{name} says that its footer has {length:,} bytes; {MOST:,} are read at most.")
    if len(data) < length <= size:
        data = read(size - length)
    return data[-length:]


def footer_hash(tail: bytes) -> str:
    """Of what `tail_of` gives."""
    return hashlib.sha256(tail[:-8]).hexdigest()[:32]
