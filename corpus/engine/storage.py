"""Paths and files on any store that pyarrow knows: local, s3://, gs://, hdfs://; https:// for reading.

A write is seen whole or not at all: bytes go to a temporary name beside the target and are renamed.
"""

from __future__ import annotations

import io
import os
import posixpath
import re
from functools import lru_cache
from typing import BinaryIO, cast
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

import pyarrow.fs as pafs

from corpus.engine.errors import UserError

ANONYMOUS = "anonymous"  # s3://anonymous@bucket/key is read without credentials, though there are some
TEMPORARY = "_tmp-"  # Spark and pyarrow datasets pass over names that start with an underscore


def resolve(path: str) -> tuple[pafs.FileSystem, str]:
    """The file system and the path within it. Local paths become absolute."""
    if "://" not in path:
        return pafs.LocalFileSystem(), os.path.abspath(path)
    try:
        if is_s3(path):
            return _resolve_s3(path)
        filesystem, inner = pafs.FileSystem.from_uri(path)
    except Exception as error:  # pyarrow raises several kinds for a scheme or bucket that it cannot open
        reason = reason_of(error)
        if path.startswith(("hdfs://", "viewfs://")) and re.search("libhdfs|libjvm", reason):
            reason = (
                f"HDFS is read through libhdfs, which is not there ({reason}); install a Hadoop client and "
                "set HADOOP_HOME, JAVA_HOME and CLASSPATH (hadoop classpath --glob)"
            )
        raise UserError(f"cannot open {redact(path)}: {reason}.") from None
    return filesystem, inner


def _resolve_s3(path: str) -> tuple[pafs.FileSystem, str]:
    parts = urlsplit(re.sub("^s3[an]://", "s3://", path).replace("#", "%23"))
    user, _, bucket = parts.netloc.rpartition("@")
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
    environment = tuple(os.environ.get(name, "") for name in names)
    return _s3(os.getpid(), user, bucket, parts.query, environment), bucket + unquote(parts.path)


@lru_cache(maxsize=64)
def _s3(process: int, user: str, bucket: str, query: str, environment: tuple[str, ...]) -> pafs.FileSystem:  # noqa: ARG001 - threads of the client do not survive a fork
    """The client of a bucket, made once: each one asks the credential chain, and metadata services throttle.

    Credentials come from the address or from the usual chain; where that has none, requests go unsigned.
    """
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    endpoint = given.get("endpoint_override") or environment[0] or environment[1]
    scheme, _, host = endpoint.rpartition("://")
    options = {"scheme": given.get("scheme") or scheme or "https"} if endpoint else {}
    if endpoint:
        region = given.get("region") or environment[2] or environment[3] or "us-east-1"
        options["endpoint_override"] = host.rstrip("/")
    else:
        region = given.get("region") or pafs.resolve_s3_region(bucket)
    key, _, secret = user.partition(":")
    if key and secret:
        options |= {"access_key": unquote(key), "secret_key": unquote(secret)}
    return pafs.S3FileSystem(region=region, anonymous=user == ANONYMOUS, **options)


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


def is_s3(path: str) -> bool:
    return path.startswith(("s3://", "s3a://", "s3n://"))


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
    query = f"?{parts.query}" if parts.query else ""  # where a store's region and endpoint may stand
    return f"{parts.scheme}://{host}{quote(inner, safe='/=:+,~!$&()@;')}{query}"


def open_input(path: str) -> BinaryIO:
    """A readable binary file with `seek`. OSError where the store does not give it, also while it is read."""
    if is_http(path):
        from corpus.engine.spool import Spool  # `training` reads no web pages and need not load it

        return cast(BinaryIO, io.BufferedReader(Spool(path)))
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


def reason_of(error: BaseException) -> str:
    """The first line of an error for a sentence; addresses in it without their secrets."""
    words = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return re.sub(r"\S+://\S+", lambda found: redact(found[0]), words.splitlines()[0]).rstrip(". ")


def spark_path(path: str) -> str:
    """The path as Spark's Hadoop layer wants it."""
    return re.sub("^s3://", "s3a://", path) if "://" in path else os.path.abspath(path)
