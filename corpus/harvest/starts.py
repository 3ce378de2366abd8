"""Start addresses: what is harvested of which site, under which name and licence.

A YAML file holds a list of addresses, or of mappings with `url` and, where need be, the other keys of
`Start`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import yaml

from corpus.dedup.address import normalise_url
from corpus.engine import storage
from corpus.engine.errors import UserError, nearest
from corpus.engine.manifest import hash_of
from corpus.harvest.address import (
    Prefixes,
    host_of_key,
    prefix_of,
    registrable,
    site_of,
    site_of_key,
)
from corpus.seeds.records import CODE, FUNCTION_CALL, TEXT, TOOL_DOC, TRAJECTORY

KINDS = (TOOL_DOC, FUNCTION_CALL, TRAJECTORY, CODE, TEXT)
_KEYS = ("url", "source", "kind", "licence", "prefixes", "follow", "exclude")
_LISTS = ("prefixes", "follow", "exclude")
_FILES = (".yaml", ".yml")


@dataclass(frozen=True)
class Start:
    """One site to harvest; prefixes are normalised.

    Pages under `prefixes` are of level 0. Links are followed to pages of the same registrable `site` and to
    those under `follow`. Nothing under `exclude` is taken.
    """

    url: str
    site: str
    source: str
    kind: str
    licence: str | None
    prefixes: tuple[str, ...]
    follow: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where an address stands: the number of the start whose prefix holds it (-1: none), and the starts
    whose links may lead to it."""

    start: int
    allowed: tuple[int, ...]


class Starts:
    """All starts of a run, asked for each address of the crawl."""

    def __init__(self, starts: Sequence[Start]) -> None:
        self.all = tuple(starts)
        self._under = {p: n for n, s in reversed(list(enumerate(starts))) for p in s.prefixes}
        self._prefixes = Prefixes(self._under)
        self._follow = Prefixes(p for s in starts for p in s.follow)
        self._follows = [Prefixes(s.follow) for s in starts]
        self._exclude = [Prefixes(s.exclude) for s in starts]
        self._sites: dict[str, list[int]] = {}
        for number, start in enumerate(starts):
            self._sites.setdefault(start.site, []).append(number)

    def place(self, url: str) -> Place | None:
        """None for an address that is of no start's site and under none of its prefixes."""
        return self.place_of(normalise_url(url))

    def place_of(self, key: str) -> Place | None:
        """The same for a normalised address."""
        if not key:
            return None
        own = self._under.get(self._prefixes.longest(key), -1)
        followed = self._follow.longest(key)
        allowed = set(self._sites.get(site_of_key(key), ()))
        if own >= 0:
            allowed.add(own)
        if followed:
            allowed.update(n for n, own_set in enumerate(self._follows) if own_set.longest(key))
        if not allowed:
            return None
        left = tuple(n for n in sorted(allowed) if not self._exclude[n].longest(key))
        return Place(own if own in left else -1, left)

    def identity(self) -> dict[str, Any]:
        """The starts as an input of the stage, by content."""
        return {"path": "start", "bytes": 0, "sha256": hash_of([asdict(start) for start in self.all])}

    def hosts(self) -> list[str]:
        """The hosts of all prefixes, with and without `www.`."""
        names = {host_of_key(p) for s in self.all for p in s.prefixes}
        return sorted({form for name in names for form in (name, f"www.{name}")})

    def domains(self) -> list[str]:
        """Registered domains as indexes of crawls name them: by the suffixes of the registries alone."""
        prefixes = [p for s in self.all for p in (*s.prefixes, *s.follow)]
        return sorted({registrable(host_of_key(p), private=False) for p in prefixes})


def read_starts(given: Sequence[str], *, source: str | None, kind: str, licence: str | None) -> Starts:
    """The starts that `start=` names: addresses, or YAML files. UserError where one is not as it must be.

    `source`, `kind` and `licence` hold where an entry names none.
    """
    defaults: dict[str, Any] = {"source": source, "kind": kind, "licence": licence}
    found: list[Start] = []
    for name in given:
        if not storage.is_http(name) or name.endswith(_FILES):
            entries = _entries(name)
        else:
            entries = [(name, {"url": name})]
        for where, entry in entries:
            found.append(_start({**defaults, **entry}, where))
    if not found:
        raise UserError("the key 'start' names no address; give start=URL or a YAML file of them.")
    seen: dict[str, str] = {}
    for start in found:
        for prefix in start.prefixes:
            if seen.setdefault(prefix, start.source) != start.source:
                raise UserError(
                    f"the prefix {prefix} is given twice, for {seen[prefix]} and for {start.source}; "
                    "leave one of them out."
                )
    return Starts(found)


def _entries(path: str) -> list[tuple[str, dict[str, Any]]]:
    """(where it stands, entry) for each entry of a YAML file."""
    if not storage.is_http(path) and not storage.exists(path):
        raise UserError(f"the start {path} is neither a web address nor a file; check start=.")
    try:
        text = storage.read_bytes(path).decode("utf-8-sig")
        data = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise UserError(f"{storage.redact(path)} is not valid YAML{line}.") from error
    if not isinstance(data, list):
        raise UserError(f"{storage.redact(path)} must hold a list of addresses or of mappings with 'url'.")
    return [
        (f"entry {n} of {storage.redact(path)}", _checked(entry, f"entry {n} of {storage.redact(path)}"))
        for n, entry in enumerate(data, 1)
    ]


def _checked(entry: Any, where: str) -> dict[str, Any]:
    if isinstance(entry, str):
        return {"url": entry}
    if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
        raise UserError(f"{where} has no 'url'; write an address, or a mapping with url.")
    for key, value in entry.items():
        if key not in _KEYS:
            raise UserError(f"{where} has an unknown key '{key}': {nearest(str(key), _KEYS)}")
        texts = value if key in _LISTS and isinstance(value, list) else [value]
        if not all(isinstance(text, str) for text in texts) or (key in _LISTS and texts is not value):
            raise UserError(f"'{key}' in {where} must be a {'list of texts' if key in _LISTS else 'text'}.")
    return entry


def _start(entry: dict[str, Any], where: str) -> Start:
    url = entry["url"]
    if entry["kind"] not in KINDS:
        raise UserError(f"'kind' in {where} cannot be '{entry['kind']}': {nearest(entry['kind'], KINDS)}")
    lists = {name: tuple(_prefix(p, where) for p in entry.get(name, ())) for name in _LISTS}
    own = _prefix(url, where)
    name = entry["source"] or re.sub(r"[^A-Za-z0-9.:-]+", "-", own.split("/")[0])
    return Start(
        url=storage.redact(url),
        site=site_of(url),
        source=name,
        kind=entry["kind"],
        licence=entry["licence"],
        prefixes=lists["prefixes"] or (own,),
        follow=lists["follow"],
        exclude=lists["exclude"],
    )


def _prefix(url: str, where: str) -> str:
    prefix = prefix_of(url)
    if not prefix:
        raise UserError(f"{json.dumps(url)} ({where}) is no web address; write https://host/path/.")
    return prefix
