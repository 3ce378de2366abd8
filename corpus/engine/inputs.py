"""What a job reads: files, folders, globs and lists of paths, expanded to single files of any store."""

from __future__ import annotations

import gzip
import http.client
import io
import os
import re
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

import pyarrow.fs as pafs

from corpus.engine import storage
from corpus.engine.errors import UserError

LIST_SUFFIXES = (".paths", ".paths.gz", ".paths.txt")
_ASK_AT_ONCE = 16  # questions about the entries of a list that are under way at the same time


@dataclass(frozen=True)
class InputFile:
    """One input and what tells it from another version of itself: `etag` is an HTTP ETag or a time stamp."""

    path: str
    bytes: int
    etag: str

    def identity(self) -> dict[str, str | int]:
        return {**asdict(self), "path": storage.redact(self.path)}


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
            raise UserError(f"the input {storage.redact(pattern)} matches no file{wanted}; check the path.")
        for item in matched:
            found.setdefault(item.path, item)
    return [found[path] for path in sorted(found)]


def _expand_one(pattern: str, base: str, suffixes: tuple[str, ...]) -> Iterator[InputFile]:
    if pattern.endswith(LIST_SUFFIXES):
        before = base.rstrip("/") + "/" if base else ""
        paths = [line if "://" in line or line.startswith("/") else before + line for line in _lines(pattern)]
        with ThreadPoolExecutor(_ASK_AT_ONCE) as pool:  # a crawl's list has 90,000 entries
            yield from pool.map(_stat, paths)
    elif storage.is_http(pattern):
        yield _stat(pattern)
    elif any(char in pattern for char in "*?[") and not ("://" not in pattern and os.path.exists(pattern)):
        plain = re.split(r"[*?\[]", pattern)[0]
        folder = plain[: plain.rfind("/") + 1]
        yield from _below(folder or ".", pattern[len(folder) :].rstrip("/").split("/"), suffixes)
    elif storage.is_folder(pattern):
        yield from _below(pattern, ["**"], suffixes)
    else:
        yield _stat(pattern)


def _below(folder: str, pattern: list[str], suffixes: tuple[str, ...]) -> Iterator[InputFile]:
    root = storage.resolve(folder)[1].rstrip("/")
    for info in storage.list_files(folder):
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
        data = storage.read_bytes(path)
        text = (gzip.decompress(data) if path.endswith(".gz") else data).decode("utf-8")
    except FileNotFoundError as error:
        raise UserError(f"the list of inputs {storage.redact(path)} does not exist.") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, http.client.HTTPException) as error:
        raise UserError(
            f"cannot read the list of inputs {storage.redact(path)}: {_reason(error)}."
        ) from error
    lines = (line.strip() for line in io.StringIO(text))
    return [line for line in lines if line and not line.startswith("#")]


def _stat(path: str) -> InputFile:
    if storage.is_http(path):
        return _stat_http(path)
    filesystem, inner = storage.resolve(path)
    info = filesystem.get_file_info(inner)
    if not info.is_file:
        raise UserError(f"the input {storage.redact(path)} does not exist; check the path.")
    return _from_info(path, info)


def _from_info(original: str, info: pafs.FileInfo) -> InputFile:
    return InputFile(storage.with_scheme(original, info.path), info.size, str(info.mtime_ns or ""))


def _stat_http(path: str) -> InputFile:
    try:
        with urllib.request.urlopen(storage.http_request(path, method="HEAD"), timeout=60) as answer:
            length, etag = answer.headers.get("Content-Length"), answer.headers.get("ETag")
            return InputFile(path, int(length or -1), etag or answer.headers.get("Last-Modified") or "")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UserError(f"cannot reach the input {storage.redact(path)}: {_reason(error)}.") from error


def _reason(error: BaseException) -> str:
    text = str(getattr(error, "reason", None) or error) or type(error).__name__
    return text.splitlines()[0].rstrip(".")
