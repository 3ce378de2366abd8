"""The registry of public sources: what `jobs/seeds.py fetch=` may download, and how it is read afterwards.

A location is one of

    hub:ORG/NAME       a data set of a hub that speaks Hugging Face's protocol (HF_ENDPOINT)
    github:ORG/NAME    the archive of a repository at a revision (GITHUB_SERVER_URL)
    https://...        a file, or an archive (.zip, .tar.gz, .tgz)
    by hand: WHERE     what has no address that a program may use; `fetch` says where a person finds it
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from corpus.engine.config import build, load_yaml, option
from corpus.engine.errors import UserError, nearest
from corpus.seeds.adapters import ADAPTERS
from corpus.seeds.records import KINDS

BY_HAND = "by hand:"
ARCHIVES = (".zip", ".tar.gz", ".tgz")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_REPOSITORY = re.compile(r"(?:hub|github):[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One public source. `name` is its key in the registry and the folder that it is fetched into."""

    name: str = option("key of the source", "")
    title: str = option("what its authors call it")
    location: str = option("hub:ORG/NAME, github:ORG/NAME, https://..., or 'by hand: WHERE'")
    revision: str = option("commit, tag or branch of a hub or a repository", "main")
    files: tuple[str, ...] = option("paths or globs of the files that are taken", ("**",))
    kind: str = option("what most of its seeds are", choices=KINDS)
    format: str = option("how a record looks")
    adapter: str = option("the adapter that is asked first", choices=tuple(ADAPTERS))
    licence: str | None = option("SPDX name, or the source's own words; null where it states none", None)
    bytes: int | None = option("size of its files as far as known", None, least=0)
    sha256: str | None = option(
        "checksum of its files (docs/seeds.md says of what); null where not known", None
    )
    gated: bool = option("whether its conditions have to be accepted on its page, and a token sent", False)
    evaluation: bool = option("whether it is an evaluation set, which `all` leaves out", False)
    checked: bool = option(
        "whether location, files and licence were seen at the source or a copy of it", False
    )
    note: str = option("what a user of it should know", "")

    @property
    def by_hand(self) -> bool:
        return self.location.startswith(BY_HAND)

    @property
    def page(self) -> str:
        """Where a person reads of it, and the address that its seeds carry."""
        for prefix, host in (
            ("hub:", "https://huggingface.co/datasets/"),
            ("github:", "https://github.com/"),
        ):
            if self.location.startswith(prefix):
                return host + self.location.removeprefix(prefix)
        return self.location.removeprefix(BY_HAND).strip()


def load(path: str) -> dict[str, Source]:
    """The sources of a registry by name. Raises UserError that names file, source and key."""
    data = load_yaml(path)
    entries = data.pop("sources", None)
    if data or not isinstance(entries, Mapping) or not entries:
        raise UserError(f"{path} must hold one key 'sources' with a mapping of names to sources.")
    return {str(name): _source(path, str(name), entry) for name, entry in entries.items()}


def _source(path: str, name: str, entry: Any) -> Source:
    where = f"the source '{name}' of {path}"
    if not _NAME.fullmatch(name):
        raise UserError(f"{where} has a name that cannot be a folder; use small letters, digits and '-'.")
    if not isinstance(entry, Mapping):
        raise UserError(f"{where} must be a mapping of keys to values, not {entry!r}.")
    if "name" in entry:
        raise UserError(f"{where} must not have the key 'name': the registry's key is its name.")
    try:
        found = build(Source, {**entry, "name": name}, where="it")
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    fault = _fault(found)
    if fault:
        raise UserError(f"{where} {fault}.")
    return found


def _fault(source: Source) -> str:
    if not (source.by_hand or _REPOSITORY.fullmatch(source.location) or _is_web(source.location)):
        forms = "hub:ORG/NAME, github:ORG/NAME, https://... or 'by hand: WHERE'"
        return f"has the location '{source.location}'; it must be {forms}"
    if source.sha256 is not None and not _SHA256.fullmatch(source.sha256):
        return "has a sha256 that is not 64 hexadecimal digits; write null where it is not known"
    if not source.files or not all(map(_is_pattern, source.files)):
        return "has a path under 'files' that is not relative, or leaves the source"
    if not re.fullmatch(r"[\w.-]{1,100}(?:/[\w.-]{1,100})*", source.revision) or ".." in source.revision:
        return f"has the revision '{source.revision}', which is none"
    return ""


def _is_web(location: str) -> bool:
    parts = urlsplit(location)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _is_pattern(pattern: str) -> bool:
    parts = pattern.split("/")
    return bool(pattern) and parts[0] != "" and ".." not in parts and "\\" not in pattern


def choose(sources: Mapping[str, Source], wanted: tuple[str, ...]) -> list[Source]:
    """The sources that `fetch=` names. `all` leaves out evaluation sets and what has to be fetched by hand.

    Raises UserError for an unknown name.
    """
    chosen: dict[str, Source] = {}
    for name in wanted:
        if name == "all":
            chosen |= {key: s for key, s in sources.items() if not (s.evaluation or s.by_hand)}
        elif name in sources:
            chosen[name] = sources[name]
        else:
            raise UserError(f"unknown source '{name}' in fetch=: {nearest(name, [*sources, 'all'])}")
    return list(chosen.values())
