"""Any number of ranks, and any change of it, sees the same tokens in the same order and has the same loss."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.training.support import REPOSITORY, launch, promised, steps_of, train, train_on, words
from training.signals import EXIT_REQUEUE

KEYS = ("rows=12", "micro_rows=1", f"tokens={12 * 32 * 8}", "checkpoint.every=2", "heldout.rows=0")


def alike(rows: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    assert [row["token_hash"] for row in rows] == [row["token_hash"] for row in wanted]
    assert [row["source_tokens"] for row in rows] == [row["source_tokens"] for row in wanted]
    for row, one in zip(rows, wanted, strict=True):
        assert row["loss"] == pytest.approx(one["loss"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_other_world_sizes_and_workers_have_the_same_steps(
    shards: Path, model: Path, tmp_path: Path, ranks: int
) -> None:
    wanted = train(words(shards, model, tmp_path / "one", *KEYS))
    alike(train_on(ranks, words(shards, model, tmp_path / "many", *KEYS, f"workers={ranks % 3}")), wanted)


@pytest.mark.slow
def test_a_run_that_changes_its_world_size_three_times_has_the_same_steps(
    shards: Path, model: Path, tmp_path: Path
) -> None:
    wanted = train(words(shards, model, tmp_path / "one", *KEYS))
    output = tmp_path / "many"
    arguments = words(shards, model, output, *KEYS, "checkpoint.keep=9")
    for ranks, upto in ((4, 2), (3, 4), (1, 6), (2, 8)):
        rows = train_on(ranks, arguments)
        alike(rows, wanted)
        shutil.rmtree(output / "export")
        for step in range(upto + 2, 9, 2):
            shutil.rmtree(output / "checkpoints" / f"step_{step}")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_ranks_that_are_told_to_stop_save_and_go_on(
    shards: Path, model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    keys = ("rows=12", "micro_rows=1", f"tokens={12 * 32 * 400}", "checkpoint.every=1000", "heldout.rows=0")
    arguments = words(shards, model, tmp_path / "run", *keys)
    launcher = [sys.executable, str(REPOSITORY / "conf" / "launch" / "ranks.py"), "2", *arguments]
    process = subprocess.Popen(launcher, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    log = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (log.exists() and b'"step", "step"' in log.read_bytes()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == EXIT_REQUEUE, output
    step = steps_of(arguments)[-1]["step"]
    assert [p.name for p in (tmp_path / "run" / "checkpoints").iterdir()] == [f"step_{step}"]
    short = [*(w for w in arguments if not w.startswith("tokens=")), "tokens=1"]
    refused = subprocess.run(
        launcher[:3] + short, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    assert refused.returncode == 2 and "belongs to another run: tokens" in refused.stderr


@pytest.mark.slow
def test_a_rank_that_is_killed_takes_the_others_along_and_the_run_goes_on(
    shards: Path, model: Path, tmp_path: Path
) -> None:
    keys = ("rows=8", "micro_rows=1", f"tokens={8 * 32 * 60}", "checkpoint.every=3", "heldout.rows=0")
    arguments = words(shards, model, tmp_path / "killed", *keys)
    process = launch(arguments, ranks=2)
    log = tmp_path / "killed" / "metrics.jsonl"
    while process.poll() is None and not (log.exists() and log.read_bytes().count(b'"step", "step"') >= 10):
        time.sleep(0.01)
    children = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    subprocess.run(["kill", "-KILL", children[-1]], check=True)
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0, output
    assert promised(train_on(2, arguments)) == promised(
        train_on(2, words(shards, model, tmp_path / "whole", *keys))
    )
