"""Files that are on the disk when the call returns, and hashes to know them by."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

BLOCK = 1 << 22  # bytes that are read, hashed or written at a time


class FileFacts(TypedDict):
    bytes: int
    sha256: str


def write_bytes(path: Path, data: bytes) -> FileFacts:
    with open(path, "xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def write_json(path: Path, data: Mapping[str, Any]) -> FileFacts:
    return write_bytes(path, to_json(data))


def to_json(data: Mapping[str, Any]) -> bytes:
    """One spelling of the data: NaN is refused, as no other reader of JSON takes it."""
    return json.dumps(data, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()


def facts_of(path: Path) -> FileFacts:
    with open(path, "rb") as stream:
        sha256 = hashlib.sha256()
        while block := stream.read(BLOCK):
            sha256.update(block)
        return {"bytes": stream.tell(), "sha256": sha256.hexdigest()}


def sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
