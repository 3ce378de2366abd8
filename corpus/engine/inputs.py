"""What a job reads: files, folders, globs and lists of paths, expanded to single files of any store."""

from __future__ import annotations

import io
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, BinaryIO, cast

import pyarrow.fs as pafs

from corpus.engine import storage
from corpus.engine.errors import UserError

LIST_SUFFIXES = (".paths", ".paths.gz", ".paths.txt")
_ASK_AT_ONCE = 8  # questions about the entries of a list that are under way at the same time
_LIST_BYTES = 256 << 20  # a crawl's list of 90,000 archives has 15 MB
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class InputFile:
    """One input and what tells it from another version of itself: `etag` is an HTTP ETag or a time stamp.

    `bytes` is -1 where the store has not told.
    """

    path: str
    bytes: int
    etag: str

    def identity(self) -> dict[str, str | int]:
        return {**asdict(self), "path": storage.redact(self.path)}


def expand(
    patterns: Sequence[str], *, base: str = "", suffixes: Sequence[str] = (), lenient: bool = False
) -> list[InputFile]:
    """Files, folders, globs and lists of paths as a sorted list without repeats.

    `base` goes before relative paths inside lists. In a glob `*` stays within one folder and `**` does not; a
    folder that it matches counts with all its files. Files met in folders and globs are taken if they end in
    one of `suffixes` (all, where none is given) and nothing on the way to them is hidden (`_x`, `.x`).
    Raises UserError for a pattern that matches nothing, and for an entry of a list that is not to be had;
    `lenient` takes such an entry with unknown size if others are there: for jobs that tell of it and go on.
    """
    found: dict[str, InputFile] = {}
    for pattern in patterns:
        if pattern.endswith(LIST_SUFFIXES):
            matched = stat_all(read_list(pattern, base), lenient=lenient)
        else:
            matched = list(_expand_one(pattern, tuple(suffixes) or ("",)))
        if not matched:
            wanted = f" ending in {' or '.join(suffixes)}" if suffixes else ""
            raise UserError(f"the input {storage.redact(pattern)} matches no file{wanted}; check the path.")
        for item in matched:
            found.setdefault(item.path, item)
    return [found[path] for path in sorted(found)]


def _expand_one(pattern: str, suffixes: tuple[str, ...]) -> Iterator[InputFile]:
    if storage.is_http(pattern):
        yield stat(pattern)
    elif any(char in pattern for char in "*?[") and not ("://" not in pattern and os.path.exists(pattern)):
        plain = re.split(r"[*?\[]", pattern)[0]
        folder = plain[: plain.rfind("/") + 1]
        yield from _below(folder or ".", pattern[len(folder) :].rstrip("/").split("/"), suffixes)
    elif _asked(pattern, storage.is_folder):
        yield from _below(pattern, ["**"], suffixes)
    else:
        yield stat(pattern)


def _below(folder: str, pattern: list[str], suffixes: tuple[str, ...]) -> Iterator[InputFile]:
    root = storage.resolve(folder)[1].rstrip("/")
    for info in _asked(folder, storage.list_files):
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


def read_list(path: str, base: str = "") -> list[str]:
    """The paths in a list, plain or gzip; `base` goes before relative ones. UserError where it is none."""
    name = storage.redact(path)
    try:
        with _open_list(path) as stream:
            text = _plain(stream.read(_LIST_BYTES)).decode("utf-8")
    except FileNotFoundError as error:
        raise UserError(f"the list of inputs {name} does not exist.") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the list of inputs {name}: {storage.reason_of(error)}.") from error
    lines = (line.strip() for line in io.StringIO(text))
    before = base.rstrip("/") + "/" if base else ""
    return [
        line if "://" in line or line.startswith("/") else before + line
        for line in lines
        if line and not line.startswith("#")
    ]


def _open_list(path: str) -> BinaryIO:
    if not storage.is_http(path):
        return storage.open_input(path)
    from corpus.engine.attempts import LISTING
    from corpus.engine.spool import Spool

    return cast(BinaryIO, io.BufferedReader(Spool(path, LISTING)))  # asked less often: somebody waits


def _plain(data: bytes) -> bytes:
    """Told by the first bytes, since web servers and browsers unpack files and leave their names."""
    if not data.startswith(_GZIP):
        return data
    plain = b""
    while data and len(plain) < _LIST_BYTES:
        inflater = zlib.decompressobj(31)
        plain += inflater.decompress(data, _LIST_BYTES - len(plain))
        if not inflater.eof:
            break
        data = inflater.unused_data
    if not inflater.eof:
        too_long = len(plain) >= _LIST_BYTES
        raise EOFError("it is too long" if too_long else "the compressed list ends too early")
    return plain


def stat_all(paths: Sequence[str], *, lenient: bool = False) -> list[InputFile]:
    """The files of a list, asked for side by side. UserError where one (`lenient`: none) is to be had."""

    def ask(path: str) -> InputFile | UserError:
        try:
            return stat(path)
        except UserError as error:
            return error

    with ThreadPoolExecutor(_ASK_AT_ONCE) as pool:
        found = list(pool.map(ask, paths))
    errors = [item for item in found if isinstance(item, UserError)]
    if errors and (not lenient or len(errors) == len(found)):
        raise errors[0]
    return [
        InputFile(path, -1, "") if isinstance(item, UserError) else item for path, item in zip(paths, found)
    ]


def stat(path: str) -> InputFile:
    """Size and version of one file. UserError where it is not there, or nobody can say."""
    if storage.is_http(path):
        from corpus.engine import web

        size, version = _asked(path, web.head)
        return InputFile(path, size, version)
    filesystem, inner = storage.resolve(path)
    info = _asked(path, lambda _: filesystem.get_file_info(inner))
    if not info.is_file:
        raise UserError(f"the input {storage.redact(path)} does not exist; check the path.")
    return _from_info(path, info)


def _asked(path: str, question: Callable[[str], Any]) -> Any:
    try:
        return question(path)
    except OSError as error:
        raise UserError(
            f"cannot reach the input {storage.redact(path)}: {storage.reason_of(error)}."
        ) from error


def _from_info(original: str, info: pafs.FileInfo) -> InputFile:
    return InputFile(storage.with_scheme(original, info.path), info.size, str(info.mtime_ns or ""))
