"""Numbers of a run from a log as the trainer writes it: events among the steps, repeated after a crash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus.report.measure.training import numbers
from corpus.report.show.training import section
from corpus.report.warnings.finding import Facts
from corpus.report.warnings.training import interrupted
from corpus.report.workspace import LOG, open_workspace


def step(number: int, *, skipped: bool = False) -> dict[str, Any]:
    return {
        "event": "step", "step": number, "loss": 9.0 - number / 10, "tokens": 4096 * number, "token_hash": "ab",
        "valid_tokens": 4000, "lr": 1e-3, "grad_norm": 0.7, "skipped": skipped, "tokens_per_second": 5000.0,
        "data_wait": 0.0, "memory_gib": 1.2, "mfu": None, "source_tokens": {"agent": 4096 * number},
    }  # fmt: skip


def spike(number: int, *, skipped: bool) -> dict[str, Any]:
    limits = {"loss_limit": 9.1, "grad_norm_limit": 2.0}
    return {
        "event": "spike",
        "step": number,
        "skipped": skipped,
        "loss": 12.0,
        "grad_norm": 30.0,
        **limits,
    }


def start(number: int) -> dict[str, Any]:
    return {"event": "start", "step": number, "resumed": number > 0, "ranks": 1, "parameters": 1000}


LOGGED = [
    start(0),
    step(1),
    spike(2, skipped=True),
    step(2, skipped=True),
    spike(3, skipped=False),
    step(3),
    start(1),
    spike(2, skipped=True),
    step(2, skipped=True),
    step(3),
    step(4, skipped=True),
]


def test_spikes_and_dropped_updates_are_counted_by_step_shown_and_warned_of(tmp_path: Path) -> None:
    folder = tmp_path / "training" / "stage1"
    folder.mkdir(parents=True)
    (folder / LOG).write_text("".join(json.dumps(row) + "\n" for row in LOGGED))
    found = numbers(open_workspace(str(tmp_path)), "stage1")
    assert found is not None
    assert (found["steps"], found["spikes"], found["skipped"]) == (4, 2, 2)
    stats = {"training": {"stage1": found}}
    (table,) = section(stats).tables
    assert [(row["spikes"], row["skipped"]) for row in table.rows] == [(2, 2)]
    assert {"spikes", "skipped"} <= {column.key for column in table.columns}
    (finding,) = interrupted(Facts(stats))
    assert "2 spikes and 2 skipped updates in 4 steps" in finding.text
