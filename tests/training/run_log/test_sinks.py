from __future__ import annotations

import sys
from pathlib import Path

import pytest

from corpus.engine.errors import EXIT_USER
from tests.training.support import steps_of, train, words
from training.run import main
from training.run_log.sinks import scalars


def test_rows_become_charts_by_event_source_and_key() -> None:
    step = {
        "event": "step",
        "step": 3,
        "loss": 2.5,
        "token_hash": "ab",
        "mfu": None,
        "source_tokens": {"code": 7},
    }
    assert dict(scalars(step)) == {"train/loss": 2.5, "tokens/code": 7.0}
    held = {"event": "eval", "step": 3, "source": "code", "loss": 2.0, "bits_per_byte": 0.5}
    assert dict(scalars(held)) == {"heldout/code/loss": 2.0, "heldout/code/bits_per_byte": 0.5}
    gold = {"event": "benchmark", "step": 3, "benchmark": "calls", "category": "all", "loss": 1.0}
    assert dict(scalars(gold)) == {"benchmark/calls/all/loss": 1.0}


def test_tensorboard_shows_the_losses_of_the_log(shards: Path, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    arguments = words(shards, model, tmp_path / "run", "tokens=1000", "log.tensorboard=true")
    rows = train(arguments)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    shown = [(scalar.step, scalar.value) for scalar in events.Scalars("train/loss")]
    assert shown == [(row["step"], pytest.approx(row["loss"], rel=1e-6)) for row in rows]
    assert [scalar.step for scalar in events.Scalars("heldout/agent/loss")] == [0, 4]


def test_wandb_takes_the_rows_without_a_network(
    shards: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    arguments = words(
        shards, model, tmp_path / "run", "tokens=1000", "log.wandb=proxies", "log.wandb_mode=offline"
    )
    assert len(train(arguments)) == 4
    (written,) = (tmp_path / "run").glob("wandb/offline-run-*/run-*.wandb")
    data = written.read_bytes()
    assert b"train/loss" in data and b"heldout/agent/loss" in data


def test_a_package_that_is_missing_is_named_before_the_run(
    shards: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    arguments = words(shards, model, tmp_path / "run", "log.wandb=proxies")
    assert main(arguments) == EXIT_USER
    assert "pip install wandb" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_steps_that_are_fetched_together_are_logged_one_by_one(
    shards: Path, model: Path, tmp_path: Path
) -> None:
    one = train(words(shards, model, tmp_path / "one"))
    five = train(words(shards, model, tmp_path / "five", "log.every=5"))
    assert [row["step"] for row in five] == list(range(1, 13))
    assert [row["loss"] for row in five] == [row["loss"] for row in one]
    assert len({row["tokens_per_second"] for row in five}) < len({row["tokens_per_second"] for row in one})
    assert steps_of(words(shards, model, tmp_path / "five")) == five
