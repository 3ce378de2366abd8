"""What the checks of a stage need, collected in the one pass over its files."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus.engine.ledger import KEPT
from corpus.engine.manifest import Manifest
from corpus.verify.groups import group_keys
from corpus.verify.keys import joined, keys_of
from corpus.verify.scan import FileScan, Reader, Wanted, scan
from corpus.verify.sets import KeySet, Spill

LEDGER = "ledger"
CODED = ("outcome", "reason")  # columns of few values, read as numbers of their values
REFERENCES = ("kept_id", "match_seed_id", "seed_id")  # columns that name a row of another table
Name = tuple[str, str]  # table and what of it


@dataclass
class Gathered:
    """What the pass brought: scans by table, and by (table, what) hashes of ids and sums of tokens.

    `keys` has for each table with ids "id"; for the ledger also "kept"; "row" where more than the id tells
    rows apart; for the sets of a mix "first", the ids of first copies, and "group", what is held out
    together; and the columns that name rows of other tables ("kept_id@INDEX" for each index that duplicates
    name).
    """

    spill: Spill
    scans: dict[str, list[FileScan]] = field(default_factory=dict)
    keys: dict[Name, KeySet] = field(default_factory=dict)
    ledger: Counter[tuple[str, str]] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, table: str, what: str = "id") -> KeySet:
        with self.lock:
            return self.keys.setdefault((table, what), KeySet(self.spill))

    def columns(self, table: str) -> list[str]:
        """The columns of a table, of which no file could be read: none."""
        schemas = [one.schema for one in self.scans.get(table, ()) if one.schema is not None]
        return list(schemas[0].names) if schemas else []


def gather(found: Manifest, spill: Spill, threads: int) -> Gathered:
    """One pass over the files of a stage: all that its checks rest on."""
    gathered = Gathered(spill)
    wanted = {
        table: Wanted(readers(gathered, found.stage, table), coded=CODED if table == LEDGER else ())
        for table in found.tables
    }
    gathered.scans = scan(found.folder, found.tables, wanted, threads)
    return gathered


def readers(gathered: Gathered, stage: str, table: str) -> list[tuple[tuple[str, ...], Reader]]:
    """What is read of one table. A reader is left out where the table lacks one of its columns."""
    if table == LEDGER:
        return [(("id", *CODED), lambda batch: _ledger(gathered, batch))]
    found: list[tuple[tuple[str, ...], Reader]] = []

    def add(what: str, *columns: str) -> None:
        found.append((columns, lambda batch: _add(gathered.of(table, what), batch, columns)))

    add("id", "id")
    if stage == "filter":
        add("row", "id", "warc", "offset")
    if stage == "shard":
        found.append((("id", "repetition"), lambda batch: _copies(gathered, table, batch)))
        found.append((("url", "source"), lambda batch: gathered.of(table, "group").add(group_keys(batch))))
        found.append((("num_tokens",), lambda batch: _tokens(gathered, table, batch)))
    for column in REFERENCES:
        if (stage, table) == ("match", "scores"):  # pages without hits name none
            found.append(((column,), partial(_named, gathered, column)))
        elif (stage, column) != ("dedup", "kept_id"):
            add(column, column)
    if stage == "dedup":
        found.append((("kept_id", "index"), lambda batch: _survivors(gathered, table, batch)))
    return found


def _add(keys: KeySet, batch: Any, columns: Sequence[str]) -> None:
    first = batch.column(columns[0])
    value = keys_of(first)
    for name in columns[1:]:
        column = batch.column(name)
        if not (len(column) and column.type == "string"):
            column = column.cast("string")
        distinct = column.fill_null("").dictionary_encode()  # a damaged column may be null all over
        value = joined(value, keys_of(distinct.dictionary)[distinct.indices.to_numpy()])
    keys.add(value, first.null_count)


def _named(gathered: Gathered, column: str, batch: Any) -> None:
    """The rows that a column of `scores` names, where it names one."""
    gathered.of("scores", column).add(keys_of(batch.column(column).drop_null()))


def _ledger(gathered: Gathered, batch: Any) -> None:
    """Ids, ids of kept records, and the rows by outcome and reason."""
    outcomes, outcome = _coded(batch.column("outcome"))
    reasons, reason = _coded(batch.column("reason"))
    rows = np.bincount(outcome * len(reasons) + reason, minlength=len(outcomes) * len(reasons))
    with gathered.lock:
        for code in np.flatnonzero(rows).tolist():
            first, second = divmod(code, len(reasons))
            gathered.ledger[outcomes[first], reasons[second]] += int(rows[code])
    keys = keys_of(batch.column("id"))
    gathered.of(LEDGER).add(keys, batch.column("id").null_count)
    is_kept = np.array([name == KEPT for name in outcomes])
    gathered.of(LEDGER, "kept").add(keys[is_kept[outcome]])


def _coded(column: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The values of a column, and for each row the number of its value; null is an empty string."""
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    names = [str(name or "") for name in coded.dictionary.to_pylist()]
    return [*names, ""], coded.indices.fill_null(len(names)).to_numpy().astype(np.int64)


def _survivors(gathered: Gathered, table: str, batch: Any) -> None:
    names, index = _coded(batch.column("index"))
    for number in np.unique(index).tolist():
        name, mine = names[number], batch.column("kept_id").filter(pa.array(index == number))
        gathered.of(table, f"kept_id@{name}" if name else "kept_id").add(keys_of(mine), mine.null_count)


def _copies(gathered: Gathered, table: str, batch: Any) -> None:
    """Documents of a mix: a source may be gone through several times, and `repetition` numbers the copies."""
    keys, number = keys_of(batch.column("id")), batch.column("repetition").fill_null(0)
    numbers = number.to_numpy(zero_copy_only=False)
    gathered.of(table, "row").add(joined(keys, numbers.astype(np.uint64)), batch.column("id").null_count)
    gathered.of(table, "first").add(keys[numbers == 0])


def _tokens(gathered: Gathered, table: str, batch: Any) -> None:
    total = pc.sum(batch.column("num_tokens")).as_py() or 0
    with gathered.lock:
        gathered.tokens[table] += total
