"""Spikes in a run: the limits are drawn so tight here that noise passes them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.training.support import promised, read_metrics, train, words

KEYS = (
    f"tokens={8 * 32 * 56}",
    "spikes.sigma=1",
    "spikes.window=16",
    "spikes.norm_margin=0.05",
    "heldout.rows=0",
    "checkpoint.every=38",
)


@pytest.fixture(scope="module")
def skipping(
    tmp_path_factory: pytest.TempPathFactory, shards: Path, model: Path
) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("skipping")
    return folder, promised(train(words(shards, model, folder, *KEYS)))


def test_a_step_beyond_the_limits_is_dropped_and_told(skipping: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, rows = skipping
    dropped = [row["step"] for row in rows if row["skipped"]]
    assert dropped and min(dropped) > 32
    told = read_metrics(folder / "metrics.jsonl", "spike")
    assert [row["step"] for row in told] == dropped
    for row in told:
        assert row["loss"] > row["loss_limit"] or row["grad_norm"] > row["grad_norm_limit"]


def test_a_dropped_step_leaves_the_weights_as_they_were(
    skipping: tuple[Path, list[dict[str, Any]]], shards: Path, model: Path, tmp_path: Path
) -> None:
    """Until the first spike both runs are one; behind it the run without skipping goes its own way."""
    kept = promised(train(words(shards, model, tmp_path / "kept", *KEYS, "spikes.action=log")))
    first = next(row["step"] for row in skipping[1] if row["skipped"])
    assert not any(row["skipped"] for row in kept)
    assert [row["loss"] for row in kept[:first]] == [row["loss"] for row in skipping[1][:first]]
    assert kept[first]["loss"] != skipping[1][first]["loss"]
    assert read_metrics(tmp_path / "kept" / "metrics.jsonl", "spike")[0]["step"] == first


@pytest.mark.parametrize("keys", [("log.every=7",), ("log.every=100", "workers=2")])
def test_the_same_steps_are_dropped_however_often_figures_are_fetched_and_after_a_resume(
    skipping: tuple[Path, list[dict[str, Any]]],
    shards: Path,
    model: Path,
    tmp_path: Path,
    keys: tuple[str, ...],
) -> None:
    folder, rows = skipping
    shutil.copytree(folder, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "export")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step_56")
    assert promised(train(words(shards, model, tmp_path / "run", *KEYS, *keys))) == rows
