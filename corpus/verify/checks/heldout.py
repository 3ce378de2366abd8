"""Hosts and files on both sides of a split: what is held out is held out as a whole.

The mix takes a group by document where it alone has more tokens than its source is to hold out. Whether one
that is found on both sides is so large is told from its tokens in the sets and from the documents that the
ledger says were not chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.engine.ledger import DROPPED
from corpus.verify.context import Context
from corpus.verify.gather import LEDGER
from corpus.verify.groups import groups_of
from corpus.verify.keys import Keys, keys_of
from corpus.verify.library import batches
from corpus.verify.report import some
from corpus.verify.sets import common

_HELDOUT = "heldout/"
_SLACK = 0.5  # of the bound: the lengths of documents that were not chosen are not known
_COLUMNS = ("id", "url", "source", "num_tokens", "repetition")


@dataclass
class _Side:
    """Tokens and documents by group, and of all groups."""

    tokens: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    total: int = 0
    rows: int = 0


def split_groups(context: Context) -> tuple[list[str], list[str]]:
    """(problems, notes): groups on both sides that were too small to be split, and how many larger ones."""
    fraction = float(context.found.config.get("heldout_fraction") or 0)
    problems, large = list[str](), Counter[str]()
    for held in [table for table in context.main if table.startswith(_HELDOUT)]:
        source = held.removeprefix(_HELDOUT)
        trained = [table for table in context.main if table != held and table.partition("/")[2] == source]
        groups = [context.gathered.of(table, "group") for table in trained]
        if not any(common(context.gathered.of(held, "group"), keys) for keys in groups):
            continue
        outside = _side(context, [held], skip=_held_by_others(context, held))
        inside = _side(context, trained, among=outside)
        unchosen = _unchosen(context, among=inside)
        wrong = [name for name in inside.tokens if _is_small(name, outside, inside, unchosen, fraction)]
        large[source] = len(inside.tokens) - len(wrong)
        if wrong:
            problems.append(
                f"{len(wrong):,} hosts or files of {held} are also in {some(trained)}: {some(wrong)}"
            )
    told = {source: count for source, count in large.items() if count}
    said = "hosts or files with more than the held-out share are split by document"
    return problems, [
        f"{said}: {', '.join(f'{n:,} of {s}' for s, n in sorted(told.items()))}"
    ] if told else []


def _is_small(name: str, outside: _Side, inside: _Side, unchosen: Counter[str], fraction: float) -> bool:
    """Whether a group has, for certain, no more tokens than its source holds out."""
    documents = max(outside.rows + inside.rows, 1)
    mean = (outside.total + inside.total) / documents
    mine = outside.tokens[name] + inside.tokens[name] + unchosen[name] * mean
    whole = outside.total + inside.total + sum(unchosen.values()) * mean
    return mine <= fraction * whole * (_SLACK if unchosen[name] else 1)


def _held_by_others(context: Context, held: str) -> Keys:
    """Ids that another source holds out, too: no set has them, whatever else their group has here."""
    others = [table for table in context.main if table.startswith(_HELDOUT) and table != held]
    keys = [context.gathered.of(table).within(0, 1 << 64) for table in others]
    return np.sort(np.concatenate(keys)) if keys else np.empty(0, np.uint64)


def _side(
    context: Context, tables: Sequence[str], *, skip: Keys | None = None, among: _Side | None = None
) -> _Side:
    """Tokens by group in some tables, copies not counted; of groups that are in `among` alone."""
    side = _Side()
    for batch in _rows(context, tables):
        names, numbers = groups_of(batch)
        tokens = batch.column("num_tokens").fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        if "repetition" in batch.schema.names:
            first = batch.column("repetition").fill_null(0).to_numpy(zero_copy_only=False) == 0
        else:
            first = np.ones(len(tokens), np.bool_)
        side.total += int(tokens[first].sum())
        side.rows += int(first.sum())
        mine = first & (numbers >= 0)
        if skip is not None and len(skip):
            keys = keys_of(batch.column("id"))
            mine &= skip[np.minimum(np.searchsorted(skip, keys), len(skip) - 1)] != keys
        sums = np.bincount(numbers[mine], tokens[mine], len(names)).astype(np.int64)
        counts = np.bincount(numbers[mine], minlength=len(names))
        for number in np.flatnonzero(counts).tolist():
            name = names[number]
            if among is None or name in among.tokens:
                side.tokens[name] += int(sums[number])
                side.documents[name] += int(counts[number])
    return side


def _rows(context: Context, tables: Sequence[str]) -> Iterator[Any]:
    for table in tables:
        names = [name for name in _COLUMNS if name in context.gathered.columns(table)]
        for path in context.paths(table):
            yield from batches(path, names)


def _unchosen(context: Context, *, among: _Side) -> Counter[str]:
    """Documents by group that the ledger drops. It does not name their sources: those of any source count."""
    by_end = {name[name.find(":") :] if ":" in name else name: name for name in among.tokens}
    found: Counter[str] = Counter()
    for path in context.paths(LEDGER):
        for batch in batches(path, ("url", "outcome")):
            nowhere = pa.repeat(pa.scalar("", pa.string()), batch.num_rows)
            dropped = pc.equal(batch.column("outcome"), DROPPED).fill_null(False)
            columns = {"url": batch.column("url"), "source": nowhere}
            names, numbers = groups_of(pa.RecordBatch.from_pydict(columns).filter(dropped))
            for number in numbers[numbers >= 0].tolist():
                if names[number] in by_end:
                    found[by_end[names[number]]] += 1
    return found
