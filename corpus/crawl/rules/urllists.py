"""Lists of hosts and addresses as sorted hashes: 5 million domains take 40 MB, and a look-up some
microseconds.

Understood are plain lists (one host, domain or address to a line), hosts files (`0.0.0.0 example.com`), the
domain rules of ad blockers (`||example.com^`) and UT1 folders (`adult/domains`, `adult/urls`), each of them
plain or gzip. An entry `example.com` holds for all hosts below it, too, `=example.com` for that host alone,
and `example.com/a/b` for the addresses that go on behind it. Lists that are used by many workers can be
compiled once:

    python -m corpus.crawl.rules.urllists LIST ... compiled.npy
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import xxhash

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import expand

# of the files in a folder; UT1 folders hold patterns and notes beside them
_NAMES = ("domains", "urls", ".txt", ".list", ".hosts")
SUFFIXES = (*_NAMES, *(f"{name}.gz" for name in _NAMES), ".npy")
_PATHS = "/"  # an entry of every list that holds addresses, so that only their paths are looked up
_DEEPEST = 8  # segments of a path that are looked up
_LONGEST = 4_096  # bytes of a line
_MOST_BYTES = 2 << 30
_GZIP = b"\x1f\x8b"
_PLAIN = re.compile(rb"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//(?:[^/?#]*@)?(\[[^\]/]*\]|[^/?#:]*)(?::[^/?#]*)?([^?#]*)", re.I
)
_IP = re.compile(r"[\d.]+|[\da-f:]*:[\da-f:]*")


@dataclass(frozen=True)
class AddressSet:
    """`keys`: hashes of the entries, sorted, each once."""

    keys: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.keys)

    def holds(self, host: str, path: str) -> bool:
        """Whether an entry stands for this address. Host and path as `parts` gives them."""
        if not len(self.keys) or not host:
            return False
        asked = ["=" + host, host]
        dot = host.find(".")
        while dot >= 0:
            asked.append(host[dot + 1 :])
            dot = host.find(".", dot + 1)
        if self._holds_any([_key(_PATHS)]):
            asked += _prefixes(host, path)
        return self._holds_any([_key(entry) for entry in asked])

    def _holds_any(self, keys: list[int]) -> bool:
        wanted = np.array(keys, dtype=np.uint64)
        places = np.searchsorted(self.keys, wanted)
        places[places == len(self.keys)] = 0
        return bool((self.keys[places] == wanted).any())


def parts(url: str) -> tuple[str, str]:
    """Host (lower-case ASCII by IDNA, without user, port and trailing dot) and path; both may be empty."""
    found = _ADDRESS.match(url.strip().replace("\\", "/"))
    if found is None:
        return "", ""
    return _host(found.group(1)), found.group(2)


def entry_of(line: str) -> str | None:
    """What a line of a list stands for, as it is hashed; None for comments and what is no host or address."""
    text = line.strip()
    if not text or text.startswith(("#", "!", "@@", "[")) or "##" in text or "#@#" in text:  # of ad blockers
        return None
    words = text.partition(" #")[0].split()
    text = words[1] if len(words) > 1 and _IP.fullmatch(words[0].lower()) else words[0]
    if text.startswith("||"):
        text = re.split(r"[\^$]", text[2:])[0]
    exact = text.startswith("=")
    any_depth = text.startswith(("*.", "."))  # so that `.xxx` may stand for a top-level domain
    text = text.lstrip("=*.")
    host, path = parts(text if "//" in text else f"//{text}")
    if not host or ("." not in host and not any_depth) or any(sign in host for sign in "*|,;^$()"):
        return None
    if path.strip("/"):
        return host.removeprefix("www.") + "/" + path.strip("/")
    return "=" + host if exact else host


def load(paths: Sequence[str]) -> AddressSet:
    """The entries of lists and folders of lists. UserError names a list that cannot be read or holds
    nothing.
    """
    found = [_load_one(item.path) for item in expand(paths, suffixes=SUFFIXES)] if paths else []
    if len(found) == 1:
        return AddressSet(found[0])
    return AddressSet(np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.uint64))


def identities(paths: Sequence[str]) -> list[dict[str, Any]]:
    """The lists as inputs of a stage: by content, since a changed list may change the result."""
    out = []
    for item in expand(paths, suffixes=SUFFIXES) if paths else ():
        digest, size = hashlib.sha256(), 0
        with _opened(item.path) as stream:
            while data := stream.read(1 << 20):
                digest.update(data)
                size += len(data)
        out.append({"path": storage.redact(item.path), "bytes": size, "sha256": digest.hexdigest()})
    return out


def _load_one(path: str) -> npt.NDArray[np.uint64]:
    if path.endswith(".npy"):
        return _compiled(path)
    keys = array("Q")
    try:
        for line in _lines(path):
            if _PLAIN.fullmatch(line):  # nearly all lines of long lists
                keys.append(xxhash.xxh3_64_intdigest(line))
            elif entry := entry_of(line.decode("utf-8", "replace")):
                keys.append(_key(entry))
                if "/" in entry:
                    keys.append(_key(_PATHS))
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(
            f"cannot read the list {storage.redact(path)}: {storage.reason_of(error)}."
        ) from error
    if not keys:
        raise UserError(f"the list {storage.redact(path)} holds no host and no address.")
    return np.unique(np.frombuffer(keys, dtype=np.uint64))


def _compiled(path: str) -> npt.NDArray[np.uint64]:
    """A compiled list; of a local file only the pages that are looked into come to memory, once for all
    workers.
    """
    try:
        if "://" in path:
            with _opened(path) as stream:
                keys = np.load(io.BytesIO(stream.read(_MOST_BYTES)), allow_pickle=False)
        else:
            keys = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"cannot read the compiled list {storage.redact(path)}: {error}.") from error
    if keys.dtype != np.uint64 or keys.ndim != 1 or not len(keys):
        raise UserError(
            f"{storage.redact(path)} is no list that `python -m corpus.crawl.rules.urllists` has made."
        )
    checked: npt.NDArray[np.uint64] = keys
    return checked


def _opened(path: str) -> BinaryIO:
    try:
        return storage.open_input(path)
    except OSError as error:
        raise UserError(
            f"cannot read the list {storage.redact(path)}: {storage.reason_of(error)}."
        ) from error


def _lines(path: str) -> Iterator[bytes]:
    """The lines without what is too long to be one; of a packed list no more than is sane."""
    with _opened(path) as raw:
        head = raw.read(2)
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if head == _GZIP else raw
        rest, size = b"", 0
        while data := stream.read(1 << 20):
            size += len(data)
            if size > _MOST_BYTES:
                raise OSError("it has more than 2 GiB")
            *lines, rest = (rest + data).split(b"\n")
            yield from (line.strip() for line in lines if len(line) <= _LONGEST)
            rest = rest if len(rest) <= _LONGEST else b"#"  # the line's end is a comment then
        yield rest.strip()


def _host(name: str) -> str:
    host = (unquote(name) if "%" in name else name).lower().strip().strip(".")
    return host if host.isascii() else _idna(host)


@lru_cache(maxsize=10_000)
def _idna(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return host


def _prefixes(host: str, path: str) -> Iterable[str]:
    """The address and those above it, with and without `www.`."""
    name = host.removeprefix("www.")
    segments = [segment for segment in path.split("/") if segment][:_DEEPEST]
    return [f"{name}/{'/'.join(segments[:n])}" for n in range(1, len(segments) + 1)]


def _key(entry: str) -> int:
    return int(xxhash.xxh3_64_intdigest(entry.encode("utf-8", "replace")))


def main(words: Sequence[str]) -> int:
    if len(words) < 2 or not words[-1].endswith(".npy"):
        print("usage: python -m corpus.crawl.rules.urllists LIST ... compiled.npy", file=sys.stderr)
        return 2
    try:
        found = load(words[:-1])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    buffer = io.BytesIO()
    np.save(buffer, found.keys, allow_pickle=False)
    storage.write_bytes(words[-1], buffer.getvalue())
    print(f"{len(found):,} entries in {words[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
