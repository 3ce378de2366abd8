"""Labels by address: prefixes that a person has looked at. The longest that fits decides.

    - prefix: docs.example.org/api/     # scheme and letter case of the host do not matter
      label: positive                   # positive, negative or ambiguous
      who: a name                       # whoever looked
      note: what was seen               # optional

The review of a round (`jobs/rounds.py`) is such a file as well: what it accepts is positive, what it rejects
negative.

A prefix ends with a whole part of the path: `docs.example.org/api` fits `/api`, `/api/x` and `/api?x`, not
`/apis`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from corpus.engine import storage
from corpus.engine.errors import UserError, nearest
from corpus.labels.votes import AMBIGUOUS, NEGATIVE, POSITIVE, RULE, Vote

_KEYS = frozenset({"prefix", "label", "who", "note"})
_DECISIONS = {"accept": POSITIVE, "reject": NEGATIVE}
_LABELS = (POSITIVE, NEGATIVE, AMBIGUOUS)


@dataclass(frozen=True)
class Rule:
    host: str
    path: str
    label: str
    who: str
    note: str

    def fits(self, target: str) -> bool:
        """Whether path and query of an address stand below this prefix."""
        if not target.startswith(self.path):
            return False
        return self.path.endswith("/") or target[len(self.path) : len(self.path) + 1] in ("", "/", "?")


class Rules:
    """Rules by host, the longest first."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_host: dict[str, list[Rule]] = {}
        for rule in rules:
            self._by_host.setdefault(rule.host, []).append(rule)
        for of_host in self._by_host.values():
            of_host.sort(key=lambda rule: (-len(rule.path), rule.path))

    def __len__(self) -> int:
        return sum(len(of_host) for of_host in self._by_host.values())

    def find(self, url: str) -> Rule | None:
        """The longest prefix that fits an address."""
        host, target = _parts(url)
        return next((rule for rule in self._by_host.get(host, ()) if rule.fits(target)), None)

    def vote(self, url: str) -> Vote | None:
        rule = self.find(url)
        if rule is None:
            return None
        said = f"{rule.host}{rule.path}" + (f": {rule.note}" if rule.note else "")
        return Vote(f"{RULE}:{rule.who}", rule.label, rationale=said)


def read(paths: Sequence[str]) -> Rules:
    """The rules of YAML files. UserError for a file that holds none, and where two differ about a prefix."""
    found: dict[tuple[str, str], Rule] = {}
    for path in paths:
        for number, entry in enumerate(_entries(path), 1):
            rule = _rule(entry, f"rule {number} of {storage.redact(path)}")
            other = found.setdefault((rule.host, rule.path), rule)
            if other.label != rule.label:
                raise UserError(
                    f"the prefix {rule.host}{rule.path} is {other.label} by {other.who} and {rule.label} by "
                    f"{rule.who}; take one of them out of rules=."
                )
    return Rules(found.values())


def _entries(path: str) -> list[Any]:
    name = storage.redact(path)
    try:
        data = yaml.safe_load(storage.read_bytes(path).decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise UserError(f"the rules file {name} does not exist; check rules=.") from error
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise UserError(f"the rules file {name} is no YAML: {storage.reason_of(error)}.") from error
    if isinstance(data, Mapping) and isinstance(data.get("prefixes"), list):
        return list(_reviewed(data))
    if not isinstance(data, list):
        raise UserError(f"the rules file {name} must hold a list of rules with prefix, label and who.")
    return data


def _reviewed(review: Mapping[str, Any]) -> Iterator[Any]:
    """The decided prefixes of a review, as rules."""
    for entry in review["prefixes"]:
        if isinstance(entry, Mapping) and entry.get("decision") in _DECISIONS:
            who, label = f"review of round {review.get('round')}", _DECISIONS[entry["decision"]]
            yield {"prefix": entry.get("prefix"), "label": label, "who": who, "note": entry.get("note")}


def _rule(entry: Any, where: str) -> Rule:
    if not isinstance(entry, Mapping):
        raise UserError(f"{where} is no mapping with prefix, label and who.")
    strangers = [str(key) for key in entry if key not in _KEYS]
    if strangers:
        raise UserError(f"{where} has the unknown key '{strangers[0]}': {nearest(strangers[0], _KEYS)}")
    for needed in ("prefix", "label", "who"):
        if not isinstance(entry.get(needed), str) or not entry[needed].strip():
            raise UserError(f"{where} has no '{needed}'.")
    if entry["label"] not in _LABELS:
        raise UserError(f"{where} has the label '{entry['label']}': {nearest(entry['label'], _LABELS)}")
    host, target = _parts(entry["prefix"].strip())
    if not host:
        raise UserError(f"{where} has the prefix '{entry['prefix']}', which names no host.")
    return Rule(host, target, entry["label"], entry["who"].strip(), str(entry.get("note") or "").strip())


def _parts(url: str) -> tuple[str, str]:
    """Lower-case host, and path with query. Empty for what is no address."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return "", ""
    return host, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
