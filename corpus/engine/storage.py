"""Paths and files on any store that pyarrow knows: local, s3://, gs://, hdfs://; https:// for reading.

A write is seen whole or not at all: bytes go to a temporary name beside the target and are renamed.
"""

from __future__ import annotations

import base64
import os
import posixpath
import re
import urllib.request
from typing import BinaryIO, cast
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import pyarrow.fs as pafs

from corpus.engine.errors import UserError

TEMPORARY = "_tmp-"  # Spark and pyarrow datasets pass over names that start with an underscore


def resolve(path: str) -> tuple[pafs.FileSystem, str]:
    """The file system and the path within it. Local paths become absolute."""
    if "://" not in path:
        return pafs.LocalFileSystem(), os.path.abspath(path)
    try:
        filesystem, inner = pafs.FileSystem.from_uri(re.sub("^s3[an]://", "s3://", path))
    except Exception as error:  # pyarrow raises several kinds for a scheme or bucket that it cannot open
        # pyarrow repeats the whole address, with its password
        reason = re.sub(r"\S+://\S+", lambda found: redact(found[0]), str(error).splitlines()[0])
        raise UserError(f"cannot open {redact(path)}: {reason}.") from None
    return filesystem, inner


def absolute(path: str) -> str:
    """A path that means the same in every process: executors have another working folder than the driver."""
    return (path if "://" in path else os.path.abspath(path)).rstrip("/") or "/"


def join(folder: str, *names: str) -> str:
    return posixpath.join(folder, *names)


def exists(path: str) -> bool:
    filesystem, inner = resolve(path)
    return bool(filesystem.get_file_info(inner).type != pafs.FileType.NotFound)


def is_http(path: str) -> bool:
    """Whether the path is on the web: readable as a stream, neither listed nor written."""
    return path.startswith(("http://", "https://"))


def is_folder(path: str) -> bool:
    if is_http(path):
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
    if is_http(path):
        return cast(BinaryIO, urllib.request.urlopen(http_request(path), timeout=60))
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


def http_request(path: str, method: str = "GET") -> urllib.request.Request:
    """A request; a user and password in the address become a header that no redirect carries elsewhere."""
    parts = urlsplit(path)
    user, at, host = parts.netloc.rpartition("@")
    address = urlunsplit((parts.scheme, host, quote(parts.path, safe="/%=:+,~!$&()@;*'"), parts.query, ""))
    request = urllib.request.Request(address, method=method, headers={"User-Agent": "hephaestus-forge/0.1"})
    if at:
        secret = base64.b64encode(unquote(user).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {secret}")
    return request
