"""Paths and files on any store that pyarrow knows: local, s3://, gs://, hdfs://; https:// for reading.

A write is seen whole or not at all: bytes go to a temporary name beside the target and are renamed.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import os
import posixpath
import re
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import BinaryIO, cast
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import pyarrow.fs as pafs

from corpus.engine.errors import UserError

LIST_SUFFIXES = (".paths", ".paths.gz", ".paths.txt")
TEMPORARY = "_tmp-"  # Spark and pyarrow datasets pass over names that start with an underscore
_HTTP = ("http://", "https://")
_ASK_AT_ONCE = 16  # questions about the entries of a list that are under way at the same time


@dataclass(frozen=True)
class InputFile:
    """One input and what tells it from another version of itself: `etag` is an HTTP ETag or a time stamp."""

    path: str
    bytes: int
    etag: str

    def identity(self) -> dict[str, str | int]:
        return {**asdict(self), "path": redact(self.path)}


def resolve(path: str) -> tuple[pafs.FileSystem, str]:
    """The file system and the path within it. Local paths become absolute."""
    if "://" not in path:
        return pafs.LocalFileSystem(), os.path.abspath(path)
    try:
        filesystem, inner = pafs.FileSystem.from_uri(re.sub("^s3[an]://", "s3://", path))
    except Exception as error:  # pyarrow raises several kinds for a scheme or bucket that it cannot open
        raise UserError(f"cannot open {redact(path)}: {str(error).splitlines()[0]}.") from error
    return filesystem, inner


def absolute(path: str) -> str:
    """A path that means the same in every process: executors have another working folder than the driver."""
    return (path if "://" in path else os.path.abspath(path)).rstrip("/") or "/"


def join(folder: str, *names: str) -> str:
    return posixpath.join(folder, *names)


def exists(path: str) -> bool:
    filesystem, inner = resolve(path)
    return bool(filesystem.get_file_info(inner).type != pafs.FileType.NotFound)


def is_folder(path: str) -> bool:
    if path.startswith(_HTTP):
        return False
    filesystem, inner = resolve(path)
    return bool(filesystem.get_file_info(inner).type == pafs.FileType.Directory)


def list_files(folder: str, *, recursive: bool = True) -> list[pafs.FileInfo]:
    """Files below `folder`, sorted by path; an empty list where there is no such folder."""
    filesystem, inner = resolve(folder)
    found = filesystem.get_file_info(pafs.FileSelector(inner, allow_not_found=True, recursive=recursive))
    return sorted((info for info in found if info.is_file), key=lambda info: info.path)


def with_scheme(original: str, inner: str) -> str:
    """`inner` (a path within a file system) as a path that `resolve` opens again, like `original`."""
    if "://" not in original:
        return str(inner)
    parts = urlsplit(original)
    user, at, _ = parts.netloc.rpartition("@")  # an object store's inner path begins with the bucket
    host = parts.netloc if inner.startswith("/") else user + at
    return f"{parts.scheme}://{host}{quote(inner, safe='/=:+,~!$&()@;')}"


def open_input(path: str) -> BinaryIO:
    """A readable binary file with `seek` where the store has it; https is fetched as a stream."""
    if path.startswith(_HTTP):
        return cast(BinaryIO, urllib.request.urlopen(_request(path), timeout=60))
    filesystem, inner = resolve(path)
    return cast(BinaryIO, filesystem.open_input_file(inner))


def read_bytes(path: str) -> bytes:
    with open_input(path) as stream:
        return stream.read()


def write_bytes(path: str, data: bytes) -> None:
    """Write a small file, whole or not at all."""
    temporary = temporary_name(path)
    filesystem, inner = resolve(temporary)
    filesystem.create_dir(posixpath.dirname(inner), recursive=True)
    try:
        with filesystem.open_output_stream(inner) as stream:
            stream.write(data)
        rename(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def temporary_name(path: str) -> str:
    """A name beside `path` that no reader looks at and no other attempt uses."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, f"{TEMPORARY}{name}.{os.getpid()}-{os.urandom(4).hex()}")


def rename(source: str, target: str) -> None:
    filesystem, inner = resolve(source)
    filesystem.move(inner, resolve(target)[1])


def remove(path: str) -> None:
    """Remove a file or a folder with all that it holds; nothing happens where there is none."""
    filesystem, inner = resolve(path)
    kind = filesystem.get_file_info(inner).type
    if kind == pafs.FileType.Directory:
        filesystem.delete_dir(inner)
    elif kind == pafs.FileType.File:
        filesystem.delete_file(inner)


def clear(folder: str) -> None:
    """Empty a folder and keep it: it may be a mount point."""
    filesystem, inner = resolve(folder)
    filesystem.delete_dir_contents(inner, missing_dir_ok=True)


def redact(path: str) -> str:
    """The path without user, password and query, fit for manifests and logs."""
    if "://" not in path:
        return path
    parts = urlsplit(path)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def spark_path(path: str) -> str:
    """The path as Spark's Hadoop layer wants it."""
    return re.sub("^s3://", "s3a://", path) if "://" in path else os.path.abspath(path)


def expand(patterns: Sequence[str], *, base: str = "", suffixes: Sequence[str] = ()) -> list[InputFile]:
    """Files, folders, globs and lists of paths as a sorted list without repeats.

    `base` goes before relative paths inside lists. In a glob `*` stays within one folder and `**` does not; a
    folder that it matches counts with all its files. Files met in folders and globs are taken if they end in
    one of `suffixes` (all, where none is given) and nothing on the way to them is hidden (`_x`, `.x`).
    Raises UserError for a pattern that matches nothing.
    """
    found: dict[str, InputFile] = {}
    for pattern in patterns:
        matched = list(_expand_one(pattern, base, tuple(suffixes) or ("",)))
        if not matched:
            wanted = f" ending in {' or '.join(suffixes)}" if suffixes else ""
            raise UserError(f"the input {redact(pattern)} matches no file{wanted}; check the path.")
        for item in matched:
            found.setdefault(item.path, item)
    return [found[path] for path in sorted(found)]


def _expand_one(pattern: str, base: str, suffixes: tuple[str, ...]) -> Iterator[InputFile]:
    if pattern.endswith(LIST_SUFFIXES):
        before = base.rstrip("/") + "/" if base else ""
        paths = [line if "://" in line or line.startswith("/") else before + line for line in _lines(pattern)]
        with ThreadPoolExecutor(_ASK_AT_ONCE) as pool:  # a crawl's list has 90,000 entries
            yield from pool.map(_stat, paths)
    elif pattern.startswith(_HTTP):
        yield _stat(pattern)
    elif any(char in pattern for char in "*?[") and not ("://" not in pattern and os.path.exists(pattern)):
        plain = re.split(r"[*?\[]", pattern)[0]
        folder = plain[: plain.rfind("/") + 1]
        yield from _below(folder or ".", pattern[len(folder) :].rstrip("/").split("/"), suffixes)
    elif is_folder(pattern):
        yield from _below(pattern, ["**"], suffixes)
    else:
        yield _stat(pattern)


def _below(folder: str, pattern: list[str], suffixes: tuple[str, ...]) -> Iterator[InputFile]:
    root = resolve(folder)[1].rstrip("/")
    for info in list_files(folder):
        if info.path.endswith(suffixes) and _matches(info.path[len(root) + 1 :].split("/"), pattern):
            yield _from_info(folder, info)


def _matches(parts: list[str], pattern: list[str]) -> bool:
    """Whether the names of a path match those of a glob, or lie in a folder that does."""
    if not parts or not pattern:
        return not pattern and not any(part.startswith(("_", ".")) for part in parts)
    hidden = parts[0].startswith(("_", "."))
    if pattern[0] == "**":
        return _matches(parts, pattern[1:]) or (not hidden and _matches(parts[1:], pattern))
    seen = not hidden or pattern[0][:1] == parts[0][0]
    return seen and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _lines(path: str) -> list[str]:
    try:
        data = read_bytes(path)
        text = (gzip.decompress(data) if path.endswith(".gz") else data).decode("utf-8")
    except FileNotFoundError as error:
        raise UserError(f"the list of inputs {redact(path)} does not exist.") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, http.client.HTTPException) as error:
        raise UserError(f"cannot read the list of inputs {redact(path)}: {_reason(error)}.") from error
    lines = (line.strip() for line in io.StringIO(text))
    return [line for line in lines if line and not line.startswith("#")]


def _stat(path: str) -> InputFile:
    if path.startswith(_HTTP):
        return _stat_http(path)
    filesystem, inner = resolve(path)
    info = filesystem.get_file_info(inner)
    if not info.is_file:
        raise UserError(f"the input {redact(path)} does not exist; check the path.")
    return _from_info(path, info)


def _from_info(original: str, info: pafs.FileInfo) -> InputFile:
    return InputFile(with_scheme(original, info.path), info.size, str(info.mtime_ns or ""))


def _stat_http(path: str) -> InputFile:
    try:
        with urllib.request.urlopen(_request(path, method="HEAD"), timeout=60) as answer:
            length, etag = answer.headers.get("Content-Length"), answer.headers.get("ETag")
            return InputFile(path, int(length or -1), etag or answer.headers.get("Last-Modified") or "")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UserError(f"cannot reach the input {redact(path)}: {_reason(error)}.") from error


def _request(path: str, method: str = "GET") -> urllib.request.Request:
    """A request; a user and password in the address become a header that no redirect carries elsewhere."""
    parts = urlsplit(path)
    user, at, host = parts.netloc.rpartition("@")
    address = urlunsplit((parts.scheme, host, quote(parts.path, safe="/%=:+,~!$&()@;*'"), parts.query, ""))
    request = urllib.request.Request(address, method=method, headers={"User-Agent": "hephaestus-forge/0.1"})
    if at:
        secret = base64.b64encode(unquote(user).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {secret}")
    return request


def _reason(error: BaseException) -> str:
    text = str(getattr(error, "reason", None) or error) or type(error).__name__
    return text.splitlines()[0].rstrip(".")
