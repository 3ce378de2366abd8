"""The trainer's loader, mixed and packed with its state, against reading the same rows into Python lists."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow.dataset as pads

from tests.benchmarks.timing import line, seconds
from training.loader import Loader
from training.shards import open_set
from training.tokens import find_tokenizer

ROWS, LENGTH, STEPS = 96, 2048, 20


def measure(workspace: Path) -> Iterator[str]:
    folder = str(workspace / "shards" / "stage1")
    shards = open_set(folder)
    tokenizer = find_tokenizer(shards, None)

    def packed() -> None:
        with Loader(shards, tokenizer, rows=ROWS, length=LENGTH, seed=1) as loader:
            for _ in islice(loader, STEPS):
                pass

    def lists() -> int:
        return sum(
            len(ids) for ids in pads.dataset(folder).to_table(columns=["input_ids"])["input_ids"].to_pylist()
        )

    tokens = ROWS * LENGTH * STEPS
    yield f"loading: {STEPS} batches of {ROWS} x {LENGTH} tokens, one process"
    through_lists = seconds(lists) * tokens / lists()
    yield line(
        "input_ids through Python lists, neither mixed nor packed",
        tokens,
        "tokens",
        through_lists,
        through_lists,
    )
    yield line("loader: mixed, packed, with state", tokens, "tokens", seconds(packed), through_lists)
