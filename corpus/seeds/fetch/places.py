"""Where the files of a source are: its location as addresses, hosts and tokens from the environment.

`HF_ENDPOINT` and `GITHUB_SERVER_URL` name other hosts, such as mirrors. The token comes from `HF_TOKEN` or
`HUGGING_FACE_HUB_TOKEN`, goes to the hub alone, over TLS (or within this machine), and into no log.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from corpus.engine import web
from corpus.engine.attempts import LISTING, Access, Attempts, WebError
from corpus.engine.errors import UserError
from corpus.seeds.fetch.download import Remote
from corpus.seeds.fetch.names import is_plain, is_wanted, safe_path
from corpus.seeds.registry import ARCHIVES, Source

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_MOST_LISTING = 64 << 20
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def hub_host() -> str:
    return _host("HF_ENDPOINT", "https://huggingface.co")


def github_host() -> str:
    return _host("GITHUB_SERVER_URL", "https://github.com")


def _host(variable: str, default: str) -> str:
    host = (os.environ.get(variable) or default).rstrip("/")
    if not _is_private(host):
        raise UserError(f"{variable} must be an https:// address (http:// is for this machine alone).")
    return host


def _is_private(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def token() -> str:
    return next((os.environ[name].strip() for name in TOKENS if os.environ.get(name, "").strip()), "")


def archive_of(source: Source) -> Remote | None:
    """The one archive that holds the source; None where its files are fetched one by one."""
    if source.location.startswith("github:"):
        repository = source.location.removeprefix("github:")
        return Remote(f"{github_host()}/{repository}/archive/{quote(source.revision)}.tar.gz")
    if source.location.startswith("http") and urlsplit(source.location).path.lower().endswith(ARCHIVES):
        return Remote(source.location)
    return None


def files_of(source: Source) -> dict[str, Remote]:
    """The wanted files by their paths, unfit ones among them. WebError where a listing cannot be had."""
    if not source.location.startswith("hub:"):
        name = safe_path(urlsplit(source.location).path.rpartition("/")[2])
        if name is None:
            raise WebError("the address ends in no name for a file", final=True)
        return {name: Remote(source.location)}
    data_set = source.location.removeprefix("hub:")
    names = list(source.files) if all(map(is_plain, source.files)) else _listed(source, data_set)
    base = f"{hub_host()}/datasets/{data_set}/resolve/{quote(source.revision, safe='')}"
    return {name: Remote(f"{base}/{quote(name)}", token()) for name in names}


def _listed(source: Source, data_set: str) -> list[str]:
    """Names of the hub's files that match the registry's globs."""
    address = f"{hub_host()}/api/datasets/{data_set}/revision/{quote(source.revision, safe='')}"
    found = json.loads(_read(Remote(address, token()), LISTING))
    entries = found.get("siblings") if isinstance(found, Mapping) else None
    names = [entry.get("rfilename") for entry in entries or [] if isinstance(entry, Mapping)]
    wanted = sorted(name for name in names if isinstance(name, str) and is_wanted(name, source.files))
    if not wanted:
        raise WebError(f"no file there matches {', '.join(source.files)}", final=True)
    return wanted


def _read(remote: Remote, access: Access) -> bytes:
    attempts = Attempts(access)
    while True:
        try:
            data = bytearray()
            with web.get(remote.address, access, token=remote.token) as answer:
                for chunk in answer.chunks():
                    data += chunk
                    if len(data) > _MOST_LISTING:
                        raise WebError("the list of files is too long", final=True)
            return bytes(data)
        except WebError as error:
            attempts.wait(error)
