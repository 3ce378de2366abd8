"""Folders to archives: equal folders give equal bytes."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

_LEVEL = 6


def pack(folder: Path, target: Path) -> None:
    """Write the folder's contents, in the order of their names, without times and owners, as .tar.gz."""
    temporary = target.with_name(f".{target.name}.tmp")
    with (
        open(temporary, "wb") as raw,
        gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for path in sorted(folder.rglob("*")):
            archive.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=_plain)
    temporary.replace(target)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry
