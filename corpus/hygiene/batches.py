"""The work on Arrow batches: what the executors run. No Spark here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from corpus.hygiene.config import CUT, MARK, HygieneConfig
from corpus.hygiene.contamination import Candidate, Scanner, located, proven
from corpus.hygiene.index import BenchmarkIndex, load
from corpus.hygiene.redaction import TYPES, redact

Batches = Iterator[pa.RecordBatch]
BatchFunction = Callable[[Batches], Batches]
Span = tuple[int, int]

_TEXT, _INT, _LONG = pa.string(), pa.int32(), pa.int64()
# How the counts of findings are called in the tables, by type.
COUNT_COLUMNS = {
    name: {"EMAIL_ADDRESS": "email_addresses", "IP_ADDRESS": "ip_addresses"}.get(name, f"{name.lower()}s")
    for name in TYPES
}
_CANDIDATE = pa.struct(
    [
        ("part", _INT),
        ("start", _LONG),
        ("end", _LONG),
        ("share", pa.float32()),
        ("grams", pa.list_(_INT)),
        ("offsets", pa.list_(_INT)),
        ("size", _INT),
    ]
)
SCANNED = pa.schema(
    [
        ("id", _TEXT),
        ("key", _LONG),
        ("host", _TEXT),
        ("grams", pa.list_(_INT)),
        ("candidates", pa.list_(_CANDIDATE)),
    ]
)
HITS = pa.schema(
    [
        *(("id", _TEXT), ("key", _LONG), ("benchmark", _TEXT), ("item", _TEXT), ("part", _TEXT)),
        *(("start", _LONG), ("end", _LONG), ("overlap", pa.float32())),
    ]
)
# What `clean` adds to the columns of its input.
ADDED = pa.schema(
    [
        ("_outcome", _TEXT),
        ("_reason", _TEXT),
        ("contamination", _INT),
        *((n, _INT) for n in COUNT_COLUMNS.values()),
    ]
)


@lru_cache(maxsize=2)
def _index(folder: str) -> BenchmarkIndex:
    return load(folder)


def scan(config: HygieneConfig, folder: str) -> BatchFunction:
    """(id, key, host, text) to SCANNED: pages with n-grams of the index, and what they seem to hold."""

    def run(batches: Batches) -> Batches:
        scanner = Scanner(_index(folder), overlap=config.overlap, call_overlap=config.call_overlap)
        for batch in batches:
            rows = []
            for page, key, host, text in zip(
                *(batch.column(name).to_pylist() for name in ("id", "key", "host", "text"))
            ):
                found = scanner.scan(text)
                if found.grams:
                    candidates = [
                        {**_as_row(candidate), "start": start, "end": end}
                        for candidate, (start, end) in zip(found.candidates, located(text, found.candidates))
                    ]
                    rows.append(
                        {"id": page, "key": key, "host": host, "grams": found.grams, "candidates": candidates}
                    )
            yield pa.RecordBatch.from_pylist(rows, schema=SCANNED)

    return run


def _as_row(candidate: Candidate) -> dict[str, Any]:
    return {name: getattr(candidate, name) for name in ("part", "share", "grams", "offsets", "size")}


def decide(folder: str, common: Collection[int]) -> BatchFunction:
    """SCANNED to HITS: the candidates that do not rest on common n-grams."""
    shared = frozenset(common)

    def run(batches: Batches) -> Batches:
        known = _index(folder).known
        for batch in batches:
            hits = []
            for row in batch.to_pylist():
                for found in row["candidates"]:
                    part = known[found["part"]]
                    names = ("part", "share", "grams", "offsets", "size")
                    candidate = Candidate(first=0, last=0, **{name: found[name] for name in names})
                    if proven(candidate, part, shared):
                        where = {"start": found["start"], "end": found["end"], "overlap": found["share"]}
                        what = {"benchmark": part.benchmark, "item": part.item, "part": part.kind}
                        hits.append({"id": row["id"], "key": row["key"], **what, **where})
            yield pa.RecordBatch.from_pylist(hits, schema=HITS)

    return run


def clean(config: HygieneConfig) -> BatchFunction:
    """The input's columns and `_spans` to its columns with the text cleaned, and ADDED for `_spans`."""
    types = [name for name in TYPES if name.lower() in config.redact]

    def run(batches: Batches) -> Batches:
        for batch in batches:
            texts, words, added = [], [], []
            for text, spans in zip(batch.column("text").to_pylist(), batch.column("_spans").to_pylist()):
                found = [(span["start"], span["end"]) for span in spans or ()]
                new, row = _cleaned(text, found, config, types)
                texts.append(new)
                words.append(len(new.split()))
                added.append(row)
            columns: dict[str, Any] = {
                name: batch.column(name) for name in batch.schema.names if name != "_spans"
            }
            columns["text"] = pa.array(texts, _TEXT)
            if "num_words" in columns:
                columns["num_words"] = pa.array(words, _INT)
            columns |= dict(zip(ADDED.names, pa.RecordBatch.from_pylist(added, schema=ADDED).columns))
            yield pa.RecordBatch.from_pydict(columns)

    return run


def _cleaned(
    text: str, spans: Sequence[Span], config: HygieneConfig, types: Sequence[str]
) -> tuple[str, dict[str, Any]]:
    """The one place where a text is kept or dropped."""
    dropped = bool(spans) and config.contaminated != MARK
    if spans and config.contaminated == CUT:
        text = cut(text, spans)
        dropped = len(text.split()) < config.min_words
    redacted = redact(text, types)
    verdict = (
        {"_outcome": "dropped", "_reason": "contaminated"} if dropped else {"_outcome": "kept", "_reason": ""}
    )
    counts = {column: redacted.counts[name] for name, column in COUNT_COLUMNS.items()}
    return redacted.text, {**verdict, "contamination": len(spans), **counts}


def cut(text: str, spans: Sequence[Span]) -> str:
    """The text without the lines that the spans touch: half a question is of use to nobody."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        first = text.rfind("\n", 0, start) + 1
        newline = text.find("\n", max(start, end - 1))
        if first > at:
            pieces.append(text[at:first])
        at = max(at, len(text) if newline < 0 else newline + 1)
    return re.sub(r"\n{3,}", "\n\n", "".join([*pieces, text[at:]]))
