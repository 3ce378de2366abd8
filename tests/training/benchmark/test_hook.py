"""Benchmark loss during training is what evaluation finds for the same weights, on any number of ranks."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from corpus.engine.errors import UserError
from tests.training.benchmark.conftest import TEXTS
from training.benchmark.config import BenchmarkConfig
from training.benchmark.encoding import Bools, Window
from training.benchmark.hook import BenchmarkLoss
from training.benchmark.passes import Floats, Forward, arrays, batches, row_losses, shared
from training.benchmark.run import SCORES
from training.evaluate import main


class Rank:
    """One of several ranks, each a thread of this process."""

    def __init__(self, rank: int, size: int, board: list[Any], gate: threading.Barrier) -> None:
        self.rank, self.size, self._board, self._gate = rank, size, board, gate

    def gather(self, value: Any) -> list[Any]:
        self._board[self.rank] = value
        self._gate.wait()
        found = list(self._board)
        self._gate.wait()
        return found


def ranks(size: int) -> list[Rank]:
    board, gate = [None] * size, threading.Barrier(size)
    return [Rank(rank, size, board, gate) for rank in range(size)]


def all_logits(model: Any, calls: list[tuple[int, ...]]) -> Forward:
    """As a trainer does it: logits of all positions, and which of them count."""

    def forward(ids: np.ndarray[Any, Any], positions: np.ndarray[Any, Any], counted: Bools) -> Floats:
        calls.append(ids.shape)
        tokens = torch.from_numpy(ids).long()
        with torch.no_grad():
            logits = model(input_ids=tokens, position_ids=torch.from_numpy(positions.copy()).long()).logits
        return row_losses(logits[:, :-1], tokens[:, 1:], torch.from_numpy(counted[:, 1:].copy()))

    return forward


@pytest.fixture
def benchmarks(tmp_path: Path) -> dict[str, BenchmarkConfig]:
    rows = [{"prompt": text, "answer": text[::-1][: 3 + n], "category": f"c{n % 2}"}
            for n, text in enumerate(TEXTS)]  # fmt: skip
    (tmp_path / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "texts" / "code").mkdir(parents=True)
    pq.write_table(
        pa.table({"text": [" ".join(TEXTS), "f()", ""]}), tmp_path / "texts" / "code" / "a.parquet"
    )
    return {
        "own": BenchmarkConfig(path=str(tmp_path / "items.jsonl")),
        "code": BenchmarkConfig(path=str(tmp_path / "texts"), kind="texts"),
    }


@pytest.mark.parametrize("size", [1, 3])
def test_training_finds_the_numbers_of_evaluation_on_any_number_of_ranks(
    size: int, folder: Path, model: tuple[Any, Any], benchmarks: dict[str, BenchmarkConfig], tmp_path: Path
) -> None:
    net, tokenizer = model
    net.eval()
    hook = BenchmarkLoss.open(
        benchmarks, tokenizer, vocabulary=net.config.vocab_size, longest=256, tokens=512
    )
    calls: list[list[tuple[int, ...]]] = [[] for _ in range(size)]
    with ThreadPoolExecutor(size) as pool:
        found = list(pool.map(lambda r: hook.measure(all_logits(net, calls[r.rank]), r), ranks(size)))
    assert all(rows == found[0] for rows in found)
    assert len({len(of) for of in calls}) == 1  # a sharded model needs all ranks in each pass
    assert all(rows * width <= 512 for of in calls for rows, width in of)
    words = [f"benchmarks.{name}.{key}={getattr(of, key)}" for name, of in benchmarks.items()
             for key in ("path", "kind")]  # fmt: skip
    assert main([f"model={folder}", *words, "device=cpu", f"output={tmp_path / 'scores'}"]) == 0
    (row,) = json.loads((tmp_path / "scores" / SCORES).read_text())["models"].values()
    for here in found[0]:
        there = row["benchmarks"][here["benchmark"]][here["category"]]
        assert here["loss"] == pytest.approx(there["loss"], rel=1e-5)
        assert {key: here[key] for key in ("items", "tokens", "bytes")} == {
            key: there[key] for key in ("items", "tokens", "bytes")
        }
    assert {(r["benchmark"], r["category"]) for r in found[0]} == {
        *((("own", name)) for name in ("all", "c0", "c1")), ("code", "all"), ("code", "code"),
    }  # fmt: skip


def windows(lengths: list[int]) -> list[Window]:
    return [Window(n, np.arange(length, dtype=np.int32), np.ones(length - 1, np.bool_))
            for n, length in enumerate(lengths)]  # fmt: skip


def test_every_window_is_in_one_batch_within_the_bounds_and_ranks_get_equally_many() -> None:
    given = windows([5, 90, 17, 33, 64, 8, 100, 21, 3, 49])
    split = batches(given, vocabulary=50, tokens=128, whole=True)
    assert sorted(w.item for batch in split for w in batch) == list(range(10))
    assert all(len(batch) * max(len(w.ids) for w in batch) <= 128 for batch in split)
    for size in (1, 2, 3, 7):
        parts = [list(shared(split, rank, size)) for rank in range(size)]
        assert len({len(part) for part in parts}) == 1
        own = [w.item for part in parts for batch, mine in part if mine for w in batch]
        assert sorted(own) == list(range(10))


def test_rows_are_padded_behind_their_end_and_padding_never_counts() -> None:
    ids, positions, counted = arrays(windows([3, 5]), multiple=4)
    assert ids.shape == (2, 8) and positions[0].tolist() == list(range(8))
    assert counted.sum(1).tolist() == [2, 4] and not counted[:, 0].any()


def test_folder_without_texts_is_named(tmp_path: Path, model: tuple[Any, Any]) -> None:
    given = {"t": BenchmarkConfig(path=str(tmp_path), kind="texts")}
    with pytest.raises(UserError, match="neither a Parquet file nor a folder"):
        BenchmarkLoss.open(given, model[1], vocabulary=400, longest=64)
