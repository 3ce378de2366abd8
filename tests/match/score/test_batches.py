"""Promises about the work on batches, without Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus.match.encoding.encoder import GPU_BATCH, Encoder, EncoderSettings, load_encoder
from corpus.match.index.files import write_index
from corpus.match.score.batches import WORK, Scoring, score_pages
from corpus.match.score.schema import SEED_ROWS
from tests.match.conftest import WORDS

pytest.importorskip("sentence_transformers")
COUNT, EVERY = 3600, 6


@pytest.fixture(scope="module")
def scoring(tiny_encoder: str, tmp_path_factory: pytest.TempPathFactory) -> Scoring:
    settings, folder = EncoderSettings(tiny_encoder, 32), str(tmp_path_factory.mktemp("index"))
    vectors = load_encoder(settings).encode(WORDS[:5]).astype(np.float16)
    rows = [dict.fromkeys(SEED_ROWS.names) | {"seed_row": n, "seed_id": WORDS[n]} for n in range(5)]
    parts = [(pa.Table.from_pylist(rows, schema=SEED_ROWS), vectors)]
    write_index(folder, parts, count=5, width=vectors.shape[1])
    return Scoring(settings, folder, hits=3)


def pages() -> pa.RecordBatch:
    """Many pages, few of them with text: as few as a coarse pass lets through."""
    texts = [f"{WORDS[n % 40]} {WORDS[n % 7]}" if n % EVERY == 0 else "" for n in range(COUNT)]
    ids = [f"{n:05}" for n in range(COUNT)]
    columns: dict[str, Any] = {"id": ids, "url": ids, "text_hash": range(COUNT), "title": ids, "text": texts}
    return pa.RecordBatch.from_pydict(columns)


def test_few_pages_of_many_are_gathered_to_full_batches_in_their_order(
    scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, sizes = Encoder.encode, []

    def told(self: Encoder, texts: list[str], role: str) -> Any:
        sizes.append(len(texts))
        return encode(self, texts, role)

    monkeypatch.setattr(Encoder, "encode", told)
    given = pages()
    whole = pa.Table.from_batches(score_pages(scoring)(iter([given])), WORK)
    assert sum(sizes) == -(-COUNT // EVERY) and sizes[0] >= 4 * GPU_BATCH and len(sizes) == 2
    assert whole.column("id").to_pylist() == given.column("id").to_pylist()
    there = [at for at, hits in enumerate(whole.column("nearest").to_pylist()) if hits]
    assert there == list(range(0, COUNT, EVERY))
    parts = [given.slice(at, 100) for at in range(0, COUNT, 100)]
    assert pa.Table.from_batches(score_pages(scoring)(iter(parts)), WORK).equals(whole)


def test_no_batches_give_none(scoring: Scoring, tmp_path: Path) -> None:
    assert list(score_pages(scoring)(iter([]))) == []
