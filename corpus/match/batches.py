"""The work on Arrow batches: what the executors run. No Spark here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.engine.tables import INDEX
from corpus.match.config import MatchConfig
from corpus.match.encoder import Encoder, chunks, load_encoder, whole
from corpus.match.index import SeedIndex, read_index

Batches = Iterator[pa.RecordBatch]
BatchFunction = Callable[[Batches], Batches]
_TEXT = pa.string()
_BYTES, _REAL = pa.binary(), pa.float32()
ENCODED = INDEX.schema.append(pa.field("vector", _BYTES))
_SCORED: dict[str, pa.DataType] = {
    "id": _TEXT,
    "url": _TEXT,
    "agent_score": _REAL,
    "match_score": _REAL,
    "match_seed_id": _TEXT,
    "match_source": _TEXT,
    "match_kind": _TEXT,
    "vector": _BYTES,
}
SCORED = pa.schema([pa.field(name, kind) for name, kind in _SCORED.items()])


def encode_seeds(config: MatchConfig, threads: int) -> BatchFunction:
    """(seed_id, source, kind, title, text) to ENCODED: the vector of each beginning as float16 bytes."""

    def run(batches: Batches) -> Batches:
        encoder = load_encoder(config.encoder, config.max_tokens, config.device, threads)
        for batch in batches:
            texts = [(chunks(text, config.max_tokens, 1) or [""])[0] for text in _texts(batch)]
            vectors = encoder.encode(texts).astype(np.float16)
            columns: dict[str, Any] = {name: batch.column(name) for name in INDEX.schema.names}
            columns["vector"] = [vector.tobytes() for vector in vectors]
            yield pa.RecordBatch.from_pydict(columns, schema=ENCODED)

    return run


def score_pages(config: MatchConfig, folder: str, threads: int) -> BatchFunction:
    """(id, url, agent_score, title, text) to SCORED: the nearest seed, null for a page without text."""

    def run(batches: Batches) -> Batches:
        encoder = load_encoder(config.encoder, config.max_tokens, config.device, threads)
        index = read_index(folder)
        for batch in batches:
            pieces = [chunks(text, config.max_tokens, config.max_chunks) for text in _texts(batch)]
            columns: dict[str, Any] = {name: batch.column(name) for name in ("id", "url", "agent_score")}
            columns.update(_nearest(encoder, index, pieces))
            yield pa.RecordBatch.from_pydict(columns, schema=SCORED)

    return run


def _texts(batch: pa.RecordBatch) -> list[str]:
    pairs = zip(batch.column("title").to_pylist(), batch.column("text").to_pylist())
    return [whole(title, text or "") for title, text in pairs]


def _nearest(encoder: Encoder, index: SeedIndex, pages: list[list[str]]) -> dict[str, list[Any]]:
    """The columns that SCORED adds. A page is as near as its best piece, of equals the first."""
    vectors = encoder.encode([piece for pieces in pages for piece in pieces])
    rows, scores = index.nearest(vectors)
    known = {name: index.seeds.column(name).to_pylist() for name in ("seed_id", "source", "kind")}
    found: dict[str, list[Any]] = {name: [] for name in SCORED.names[3:]}
    start = 0
    for pieces in pages:
        end = start + len(pieces)
        best = start + int(scores[start:end].argmax()) if pieces else None
        row = None if best is None else int(rows[best])
        found["match_score"].append(None if best is None else float(scores[best]))
        for name, column in known.items():
            found[f"match_{name}"].append(None if row is None else column[row])
        found["vector"].append(None if best is None else vectors[best].astype(np.float16).tobytes())
        start = end
    return found
