"""What passes between the reading of seed files, the adapters and the stage: items in, candidates out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from corpus.seeds.licences import spdx

TOOL_DOC, FUNCTION_CALL, TRAJECTORY = "tool_doc", "function_call", "trajectory"
CODE, PLAN, TEXT = "code", "plan", "text"
KINDS = (TOOL_DOC, FUNCTION_CALL, TRAJECTORY, CODE, PLAN, TEXT)

# Reasons in the ledger: the first line says that an item could not be read, the second that it is not wanted.
UNKNOWN_FORMAT, MALFORMED, TOO_LARGE = "unknown_format", "malformed", "too_large"
EMPTY, TOO_LONG, DUPLICATE = "empty", "too_long", "duplicate"
FAILURES = (UNKNOWN_FORMAT, MALFORMED, TOO_LARGE)
_UNFIT = re.compile("[\x00\ud800-\udfff]")
UNPARSED: Any = object()  # the value of an item that stands there as text only


@dataclass(frozen=True)
class Origin:
    """Where an item comes from. `address` locates the source, `name` is the data set's short name.

    `adapter` is the one that the source asks for; empty where the item's own form decides.
    """

    name: str
    address: str
    licence: str | None
    path: str
    adapter: str = ""


@dataclass(frozen=True)
class Item:
    """The content of one file, or one row of a file; `index` is its position there.

    With a `reason` it stands for content that could not be read, and has no text. Rows of files that are
    parsed as they are read (Parquet, large JSON) have a `value` and no text.
    """

    origin: Origin
    index: int
    text: str
    reason: str = ""
    value: Any = UNPARSED


@dataclass(frozen=True)
class Draft:
    """What an adapter makes of an item: readable text with its title, kind and the APIs that it names."""

    title: str
    text: str
    kind: str
    apis: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True)
class Candidate:
    """One seed, or the reason why there is none. Each candidate is one record of the ledger.

    `error` names the type of the exception behind a malformed item: it tells bad data from a bad adapter.
    """

    id: str
    url: str
    reason: str
    origin: Origin
    index: int
    draft: Draft = field(default_factory=lambda: Draft("", "", TEXT))
    error: str = ""


class Malformed(ValueError):  # noqa: N818  (it is a finding about data, not an error of the program)
    """The item is of a known format and breaks its rules."""


def candidate(
    origin: Origin, index: int, draft: Draft | None, reason: str = "", error: BaseException | None = None
) -> Candidate:
    """A candidate with its id: the 128-bit BLAKE2b of source, path, position and text.

    This is the one gate to the tables: lone surrogates and NULs become U+FFFD in all its strings.
    """
    origin, draft = _clean_origin(origin), _clean_draft(draft) if draft else None
    text = draft.text if draft else reason
    parts = "\x1f".join((origin.name, origin.path, str(index), text))
    digest = hashlib.blake2b(parts.encode("utf-8"), digest_size=16).hexdigest()
    address = (
        f"{origin.address.rstrip('/')}/{origin.path}#{index}" if origin.address else f"{origin.path}#{index}"
    )
    fault = type(error.__cause__ or error).__name__ if error else ""
    return Candidate(digest, address, reason, origin, index, draft or Draft("", "", TEXT), fault)


def clean(text: str) -> str:
    """Text of the same length that Parquet and UTF-8 can hold."""
    return _UNFIT.sub("\ufffd", text)


def _clean_origin(origin: Origin) -> Origin:
    licence = spdx(clean(origin.licence)) if origin.licence else None
    return Origin(clean(origin.name), clean(origin.address), licence, clean(origin.path), origin.adapter)


def _clean_draft(draft: Draft) -> Draft:
    apis = tuple(clean(api) for api in draft.apis)
    return replace(draft, title=clean(draft.title), text=clean(draft.text), apis=apis)


def distinct(apis: Iterable[str]) -> tuple[str, ...]:
    """APIs without repeats and empty names, sorted, with white space made single."""
    return tuple(sorted({" ".join(api.split()) for api in apis if api and api.strip()}))


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one: data lies about its types."""
    if type(value) is dict:  # asking for the abstract type is ten times as dear, and this is asked most
        return value
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def words(value: Any) -> str:
    """A scalar as trimmed text; empty for anything nested and for the placeholders of missing values."""
    if type(value) is not str and (value is None or isinstance(value, (Mapping, list, tuple, set))):
        return ""
    text = str(value).strip()
    return "" if text in ("N/A", "None", "null", "nan") else text


def first_line(text: str, limit: int = 120) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= limit else line[: limit - 3].rstrip() + "..."


def paragraphs(*parts: str) -> str:
    """Parts that are not empty, parted by blank lines; three and more line breaks become two."""
    return re.sub(
        r"\n{3,}", "\n\n", "\n\n".join(part.strip("\n") for part in parts if part and part.strip())
    ).strip()


def fenced(code: str, language: str = "") -> str:
    """`code` as a fenced block whose fence is longer than any run of backticks within."""
    body = code.strip("\n")
    longest = max((len(run) for run in re.findall(r"`{3,}", body)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{body}\n{fence}" if body.strip() else ""


def bounded(drafts: Iterator[Draft], most: int) -> Iterator[Draft]:
    """At most `most` drafts: one hostile file cannot give seeds without end."""
    for number, draft in enumerate(drafts):
        if number >= most:
            return
        yield draft
