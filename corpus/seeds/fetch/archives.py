"""Files out of zip and tar.gz archives that nobody vouches for.

Only plain files under safe names are taken, and only those that are wanted; links, devices and names that
lead elsewhere are left out and counted. What is written is bounded in bytes and files, whatever an archive
says of itself.
"""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from corpus.seeds.fetch.names import is_wanted, safe_path

_CHUNK = 1 << 20
_MOST_HEADER = 1 << 20  # bytes of a tar's extended header, which is read whole
_MOST_DIRECTORY = 64 << 20  # bytes of a zip's directory, which is read whole
_PLAIN_TO_WRITTEN = 20  # of an archive much is not wanted, but not without bound
_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME)
# the last is zipfile's word for a compression that it does not know
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, gzip.BadGzipFile, zlib.error, NotImplementedError)


class BadArchive(Exception):  # noqa: N818
    """The archive is damaged or hostile; the message ends a sentence about it."""


class TooMuch(BadArchive):
    """The archive holds more bytes or files than a source may have."""


@dataclass
class Unpacked:
    """What came out of an archive; `left_out` counts wanted links, devices and unsafe names."""

    files: int = 0
    bytes: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class Bounds:
    most_bytes: int
    most_files: int


def unpack(
    archive: Path, into: Path, patterns: tuple[str, ...], bounds: Bounds, *, strip: int = 0
) -> Unpacked:
    """Write the wanted files of `archive` below `into`, without the first `strip` folders of their names."""
    found = Unpacked()
    read = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    try:
        for name, plain, stream in read(archive, bounds):
            parts = [part for part in name.split("/") if part != "."]  # `tar czf x.tgz .` writes ./a/b
            inner = "/".join(parts[strip:])
            if not inner or not is_wanted(inner, patterns):
                continue
            safe = safe_path(inner)
            if not plain or safe is None or name.startswith("/") or ".." in name.split("/"):
                found.left_out += 1
                continue
            found.files += 1
            if found.files > bounds.most_files:
                raise TooMuch(f"holds more than {bounds.most_files:,} files")
            found.bytes += _write(stream, into / safe, bounds.most_bytes - found.bytes)
    except _DAMAGE as error:
        raise BadArchive(f"is damaged or no archive ({type(error).__name__})") from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise BadArchive("holds two things under one name") from error
    except RuntimeError as error:  # zipfile's word for an encrypted member
        raise BadArchive("is encrypted") from error
    return found


def _write(stream: IO[bytes], target: Path, left: int) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with open(target, "xb") as out:  # x: a name that comes twice, or lies behind something else, is refused
        while piece := stream.read(_CHUNK):
            written += len(piece)
            if written > left:
                raise TooMuch("unpacks to more bytes than a source may have")
            out.write(piece)
    return written


def _zip_members(archive: Path, _bounds: Bounds) -> Iterator[tuple[str, bool, IO[bytes]]]:
    if _directory_bytes(archive) > _MOST_DIRECTORY:
        raise BadArchive("has a directory of more than 64 MiB")
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if member.is_dir():
                continue
            mode = member.external_attr >> 16
            plain = not stat.S_IFMT(mode) or stat.S_ISREG(mode)
            with opened.open(member) if plain else io.BytesIO() as stream:
                yield member.filename, plain, stream


def _directory_bytes(archive: Path) -> int:
    """What the end of a zip says of its directory's size; all of the file where it says nothing."""
    size = archive.stat().st_size
    with open(archive, "rb") as stream:
        stream.seek(max(0, size - (1 << 16) - 22))
        tail = stream.read()
    place = tail.rfind(b"PK\x05\x06")
    said = int.from_bytes(tail[place + 12 : place + 16], "little") if place >= 0 else size
    large = tail.rfind(b"PK\x06\x06")  # the end of a zip64
    if said == 0xFFFFFFFF and large >= 0:
        said = int.from_bytes(tail[large + 40 : large + 48], "little")
    return min(said, size)


def _tar_members(archive: Path, bounds: Bounds) -> Iterator[tuple[str, bool, IO[bytes]]]:
    with open(archive, "rb") as raw, gzip.GzipFile(fileobj=raw) as unzipped:
        bounded: Any = _Bounded(cast("IO[bytes]", unzipped), _PLAIN_TO_WRITTEN * bounds.most_bytes)
        with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_Header) as opened:
            for member in opened:
                opened.members = []  # type: ignore[attr-defined]  # a stream has no use for what has passed
                if member.isdir():
                    continue
                stream = opened.extractfile(member) if member.isreg() else None
                yield member.name, stream is not None, stream or io.BytesIO()


class _Header(tarfile.TarInfo):
    """A header whose extension is not larger than names and attributes can be."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        found = super().frombuf(buf, encoding, errors)
        if found.type in (*_EXTENDED, tarfile.GNUTYPE_LONGLINK) and found.size > _MOST_HEADER:
            raise BadArchive("has a header of more than 1 MiB")
        return found


class _Bounded:
    """A stream that ends a reading that goes on too long."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._left = stream, most

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise TooMuch("unpacks to more bytes than a source may have")
        return data
