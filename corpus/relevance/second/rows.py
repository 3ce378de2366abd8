"""The second scorer's reading as Arrow batches. Plain Arrow, no Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from corpus.crawl.inputs.tasks import archives_in
from corpus.relevance.second.pages import read_chosen
from corpus.relevance.second.scorer import embed

_NUMBERS = pa.list_(pa.float64())
READ = pa.schema([("id", pa.string()), ("text", pa.string()), ("structure", _NUMBERS)])
EMBEDDED = pa.schema([("id", pa.string()), ("structure", _NUMBERS), ("embedding", pa.list_(pa.float32()))])
_TOGETHER = 256  # pages to a batch


def chosen_batches(
    batches: Iterator[pa.RecordBatch],
    chosen: Mapping[str, set[int]],
    *,
    seconds: float,
    encoder: str,
    max_tokens: int,
) -> Iterator[pa.RecordBatch]:
    """From TASKS to READ: one row for each chosen page. `chosen`: offsets by the archives' names."""
    for archive in archives_in(batches):
        rows = []
        for page in read_chosen(archive, chosen, seconds=seconds, encoder=encoder, max_tokens=max_tokens):
            rows.append(vars(page))
            if len(rows) >= _TOGETHER:
                yield pa.RecordBatch.from_pylist(rows, schema=READ)
                rows = []
        yield pa.RecordBatch.from_pylist(rows, schema=READ)


def embedded_batches(
    batches: Iterator[pa.RecordBatch], *, encoder: str, max_tokens: int
) -> Iterator[pa.RecordBatch]:
    """From READ to EMBEDDED."""
    for batch in batches:
        texts = batch.column("text").to_pylist()
        vectors = embed(encoder, max_tokens, texts, [""] * len(texts)).tolist() if texts else []
        columns = {"id": batch.column("id"), "structure": batch.column("structure"), "embedding": vectors}
        yield pa.RecordBatch.from_pydict(columns, schema=EMBEDDED)
