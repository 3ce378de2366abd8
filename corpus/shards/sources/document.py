"""One foreign record to the columns of a shard: text, identity, licence, and what is held out together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from corpus.shards.sources.layouts import STAGE, Layout
from corpus.shards.sources.values import at, clean, word, words

NO_TEXT, NOT_TEXT, EMPTY, LICENCE, FILTERED = "no_text", "text_not_string", "empty", "licence", "filtered"
UNKNOWN_LICENCE = "unknown"  # in an allow-list: takes documents without a licence
_HASH = re.compile("[0-9a-f]{32}")
_NUMBER = re.compile("[0-9]{1,18}")
_CODE_PARTS = re.compile("github|stack(?!exchange| ?exchange|overflow)|starcoder|code", re.I)
BLOCK_BYTES, BLOCK_ROWS = (
    1 << 20,
    256,
)  # of a file whose records name neither host nor file: held out together


@dataclass(frozen=True)
class Rules:
    """What a source of the config says of its records."""

    name: str
    defaults: Mapping[str, str] = field(default_factory=dict)
    licences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a record stands: its file, as the ledger names it, and the byte or row in it."""

    file: str
    offset: int
    by_rows: bool = False

    @property
    def block(self) -> str:
        return f"{self.file}#{self.offset // (BLOCK_ROWS if self.by_rows else BLOCK_BYTES)}"


def failed(place: Place, rules: Rules, reason: str) -> dict[str, Any]:
    """The row of a record that could not be read."""
    identity = digest("failed", place.file, str(place.offset))
    return {"id": identity, "text": "", "source": rules.name, "group": place.block, "reason": reason}


def document(record: Mapping[str, Any], layout: Layout, rules: Rules, place: Place) -> dict[str, Any]:
    """The record's row; `reason` says why it is not to be used, and is empty otherwise."""

    def get(key: str) -> Any:
        return first(record, layout.fields.get(key, ()))

    text = get("text")
    reason = "" if isinstance(text, str) else NO_TEXT if text is None else NOT_TEXT
    text = clean(text) if isinstance(text, str) else ""
    if not reason and not text.strip():
        reason = EMPTY
    part = part_of(first(record, layout.part))
    code = layout.code or bool(part and _CODE_PARTS.search(part))
    repo, path = word(get("repo")), word(get("path"))
    url = word(get("url")) or _address(repo, path, word(first(record, layout.revision)))
    licence = ", ".join(words(get("licence"))) or rules.defaults.get("licence") or None
    source = word(get("source")) or named(layout.corpus, part) or rules.defaults.get("source") or rules.name
    row = {
        "id": identity(layout, part, word(get("id")), url, text) if text else "",
        "url": url or None,
        "text": "" if reason else text,
        "language": _language(get("language")) or rules.defaults.get("language"),
        "source": source,
        "kind": word(get("kind")) or rules.defaults.get("kind") or _kind(layout, code),
        "licence": licence,
        "agent_score": _score(get("agent_score")),
        "group": group(word(get("host")), source, path, repo, url, place),
        "reason": reason or ("" if allowed(licence, rules.licences) else LICENCE),
    }
    row["id"] = row["id"] or failed(place, rules, reason)["id"]
    return row


def first(record: Mapping[str, Any], paths: Sequence[str]) -> Any:
    """The first filled value; what is there and not filled, such as an empty text, if none is."""
    empty = None
    for path in paths:
        value = at(record, path)
        if value is not None and value not in ("", []):
            return value
        empty = value if empty is None else empty
    return empty


def identity(layout: Layout, part: str, own: str, url: str, text: str) -> str:
    """128 bits as hex, the same whatever the source is called and wherever its files lie.

    A hash of 32 digits (ours, or another corpus's) stays as it is. The id of a known corpus is hashed with
    its name. Bare numbers, and ids of corpora that are not known, may mean other documents elsewhere: address
    and text join in, as they do where there is no id.
    """
    if own and (layout.name == STAGE or _HASH.fullmatch(own)):
        return own
    if own and layout.corpus and not _NUMBER.fullmatch(own):
        return digest(layout.corpus, part, own)
    return digest(layout.corpus, part, own, url, text)


def digest(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode("utf-8"), digest_size=16).hexdigest()


def group(host: str, source: str, path: str, repo: str, url: str, place: Place) -> str:  # noqa: PLR0917
    """What is held out together: host, repository, file in the source, or a block of the input."""
    if host := host or _host(url if not repo else ""):
        return host.lower()
    if repo:
        return f"{source}:{repo}"
    return f"{source}:{path}" if path else place.block


def allowed(licence: str | None, patterns: Sequence[str]) -> bool:
    """Whether each licence of a document is on the list: patterns such as cc-by-*, whatever the case."""
    if not patterns:
        return True
    wanted = [pattern.casefold() for pattern in patterns]
    if not licence:
        return UNKNOWN_LICENCE in wanted
    parts = [part.strip().casefold() for part in licence.split(",")]
    return all(any(fnmatchcase(part, pattern) for pattern in wanted) for part in parts)


def part_of(value: Any) -> str:
    """`cc/2019-30/en_middle_0053.json.gz/line1` and `cc` are the same part of a corpus."""
    return word(value).split("/")[0].strip().lower().replace(" ", "-")


def named(corpus: str, part: str) -> str:
    return f"{corpus}/{part}" if corpus and part else corpus


def _kind(layout: Layout, code: bool) -> str | None:
    if not layout.corpus:
        return None
    return "code" if code else "text"


def _language(value: Any) -> str | None:
    """`en-US`, `eng_Latn` -> en, eng; a list of shares by language, as code has, names none of people."""
    found = word(value)
    return re.split("[-_]", found)[0].lower() or None if len(found) <= 35 else None


def _score(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _address(repo: str, path: str, revision: str) -> str:
    return f"https://github.com/{repo}/blob/{revision or 'HEAD'}/{path.lstrip('/')}" if repo and path else ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "" if "://" in url else ""
    except ValueError:
        return ""
