"""Scored pages by prefix, batch by batch. Plain Arrow, no Spark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa

from corpus.engine.tables import SCORED
from corpus.harvest.address import Prefixes
from corpus.rounds.proposals import folders

MARKED = pa.schema([*SCORED.schema, pa.field("prefix", pa.string()), pa.field("tag", pa.string())])
TALLIES = pa.schema({"prefix": pa.string(), "pages": pa.int64(), "hits": pa.int64()})


def mark_batches(found: Iterable[pa.RecordBatch], tags: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """SCORED to MARKED: with the longest of the prefixes that holds the page and that prefix's tag, both
    empty where none does."""
    prefixes = Prefixes(tags)
    for batch in found:
        marks = [prefixes.longest(key) for key in batch.column("key").to_pylist()]
        columns = [batch.column(name) for name in SCORED.schema.names]
        columns += [pa.array(marks, pa.string()), pa.array([tags.get(m, "") for m in marks], pa.string())]
        yield pa.RecordBatch.from_arrays(columns, schema=MARKED)


def tally_batches(found: Iterable[pa.RecordBatch], decided: Prefixes, depth: int) -> Iterator[pa.RecordBatch]:
    """SCORED to TALLIES of all folders, of the pages that are under no decided prefix.

    A folder comes once for each batch that holds pages of it.
    """
    for batch in found:
        pages: Counter[str] = Counter()
        hits: Counter[str] = Counter()
        for key, hit in zip(batch.column("key").to_pylist(), batch.column("hit").to_pylist()):
            if not decided.longest(key):
                above = folders(key, depth)
                pages.update(above)
                hits.update(above if hit else ())
        names = sorted(pages)
        columns = [names, [pages[name] for name in names], [hits[name] for name in names]]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, TALLIES)]
        yield pa.RecordBatch.from_arrays(arrays, schema=TALLIES)
