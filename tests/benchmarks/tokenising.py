"""Tokenising of the shard stage against the tokenizer's own batch speed, on the same texts and cores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as pads

from corpus.shards.tokenizer import load
from tests.benchmarks.timing import line, seconds


def measure(workspace: Path) -> Iterator[str]:
    texts = (
        pads.dataset(workspace / "shards" / "stage1").to_table(columns=["text"])["text"].to_pylist()[:2000]
    )
    tokenizer = load(str(workspace / "shards" / "tokenizer"))
    tokens = sum(len(ids) for ids in tokenizer.encode(texts).to_pylist())
    yield f"tokenising: {len(texts):,} documents, {tokens:,} tokens"
    own = seconds(lambda: tokenizer.tokenizer.encode_batch_fast(texts, add_special_tokens=False))
    ours = seconds(lambda: tokenizer.encode(texts))
    yield line("the tokenizer's own batch", tokens, "tokens", own, own)
    yield line("as the shard stage writes it (list<int32> with end tokens)", tokens, "tokens", ours, own)
