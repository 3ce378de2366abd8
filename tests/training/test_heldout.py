"""The held-out loss: what is in a row changes nothing, nor does the number of ranks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.support import (
    VOCABULARY,
    config_of,
    documents,
    read_metrics,
    train,
    train_on,
    words,
    write_shards,
    write_source,
)  # fmt: skip
from training.data.shards import open_set
from training.data.tokens import find_tokenizer
from training.heldout import open_heldout


def test_the_loss_is_that_of_transformers_over_each_document_alone(
    undisturbed: tuple[list[str], list[dict[str, Any]]], shards: Path
) -> None:
    from transformers import AutoModelForCausalLM

    arguments = undisturbed[0]
    config = config_of(arguments)
    model = AutoModelForCausalLM.from_pretrained(f"{config.output}/export").eval()
    (source,) = open_heldout(config, find_tokenizer(open_set(config.data), None), VOCABULARY)
    nats, tokens = 0.0, 0
    for ids, positions in zip(source.ids, source.positions):
        starts = np.flatnonzero(positions == 0).tolist()
        for start, stop in zip(starts, [*starts[1:], len(ids)]):
            if stop - start > 1:
                piece = torch.from_numpy(ids[start:stop].astype(np.int64))[None]
                with torch.no_grad():
                    nats += float(model(input_ids=piece, labels=piece).loss) * (stop - start - 1)
                tokens += stop - start - 1
    row = read_metrics(Path(config.output) / "metrics.jsonl", "eval")[-1]
    assert row["tokens"] == tokens
    assert row["loss"] == pytest.approx(nats / tokens, rel=1e-5)
    bits = nats / tokens / math.log(2)
    assert row["bits_per_byte"] == pytest.approx(bits * source.tokens / source.bytes, rel=1e-5)


def test_sources_are_measured_one_by_one_at_the_start_the_end_and_every_so_many_tokens(
    model: Path, tmp_path: Path
) -> None:
    shards = write_shards(tmp_path / "shards")
    write_source(shards.parent / "heldout" / "code", documents(9, 5))
    for name in ("manifest.json", "_SUCCESS"):
        (shards.parent / name).unlink()
    train(words(shards, model, tmp_path / "run", f"heldout.every={5 * 8 * 32 - 1}"))
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl", "eval")
    assert [(row["step"], row["source"]) for row in rows] == [
        (step, source) for step in (0, 5, 10, 12) for source in ("agent", "code")
    ]
    assert len({row["tokens"] for row in rows if row["source"] == "code"}) == 1


@pytest.mark.slow
def test_the_loss_is_the_same_for_any_number_of_ranks(shards: Path, model: Path, tmp_path: Path) -> None:
    keys = ("rows=6", "micro_rows=1", "tokens=192", "heldout.rows=5")  # 5 rows do not divide by 2 or 3
    found = []
    for ranks in (1, 2, 3):
        train_on(ranks, words(shards, model, tmp_path / str(ranks), *keys))
        found.append(read_metrics(tmp_path / str(ranks) / "metrics.jsonl", "eval")[0])
    assert found[0]["loss"] == pytest.approx(found[1]["loss"], rel=1e-6)
    assert found[0]["loss"] == pytest.approx(found[2]["loss"], rel=1e-6)
    assert len({row["tokens"] for row in found}) == 1
