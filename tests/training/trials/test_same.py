"""A finished run counts only for the settings and inputs that made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.engine.config import build
from corpus.engine.errors import UserError
from tests.training.support import write_model, write_shards
from training.ablate import ablate
from training.ablations.config import AblationConfig
from training.ablations.corpora import Corpora
from training.ablations.runs import runs_of
from training.plan import make_plan
from training.run_folder import RECORD
from training.sweep import main as sweep
from training.sweeps import runs as sweep_runs
from training.sweeps.config import SweepConfig
from training.trials.launch import Trial
from training.trials.same import check_same, settings_of

RECIPE = "rows: 8\nlength: 32\nmicro_rows: 8\ndevice: cpu\n"


def finish(one: Trial) -> None:
    """Leave what a finished run with these words leaves, as far as it says what made it."""
    fingerprint = make_plan(settings_of(one)).fingerprint()
    write_model(one.folder / "export")
    (one.folder / RECORD).write_text(json.dumps({"fingerprint": fingerprint}))


@pytest.fixture
def ablation(tmp_path: Path) -> dict[str, Any]:
    """A matrix of one cell whose only run is finished."""
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    write_model(tmp_path / "model")
    keys: dict[str, Any] = {
        "workspace": str(tmp_path / "work"), "output": str(tmp_path / "out"), "cells": {"whole": {"stage2": False}},
        "model": str(tmp_path / "model"), "recipe": str(tmp_path / "recipe.yaml"), "seeds": [1],
        "tokens": 1024, "launch": "table", "held_out": 0, "benchmarks": {"b": {"path": "none.jsonl"}},
    }  # fmt: skip
    config = build(AblationConfig, keys)
    shards = Corpora(config).shards(config.cells["whole"])
    write_shards(shards)
    for run in runs_of(config, {"whole": shards}):
        for stage in run.stages:
            finish(stage)
            check_same([stage])
    return keys


@pytest.mark.parametrize("change", ["train", "recipe", "model", "tokens"])
def test_finished_run_of_an_ablation_is_not_compared_under_other_settings(
    ablation: dict[str, Any], tmp_path: Path, change: str
) -> None:
    changed = dict(ablation)
    if change == "train":
        changed["train"] = {"optimiser.lr": 0.5}
    elif change == "recipe":
        (tmp_path / "recipe.yaml").write_text(RECIPE.replace("length: 32", "length: 16"))
    elif change == "model":
        write_model(tmp_path / "model", hidden_size=72)
    else:
        changed["tokens"] = 2048
    with pytest.raises(UserError, match=r"out/runs/whole-1/stage1 belongs to another run"):
        ablate(build(AblationConfig, changed))


def test_finished_base_of_a_sweep_is_not_taken_for_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    write_model(tmp_path / "model")
    write_shards(tmp_path / "shards", {"agent": 1.0, "code": 2.0})
    keys: dict[str, Any] = {"data": f"{tmp_path}/shards/stage1", "recipe": f"{tmp_path}/recipe.yaml"}
    keys |= {"output": f"{tmp_path}/sweep", "base_tokens": 1024, "tokens": 1024}
    base = sweep_runs.base_of(build(SweepConfig, {**keys, "models": {"tiny": f"{tmp_path}/model"}}), "tiny")
    assert base is not None
    finish(base)
    words = [f"{key}={value}" for key, value in {**keys, "base_tokens": 2048}.items()]
    assert sweep([*words, f"models.tiny={tmp_path}/model", "launch=law"]) == 2
    assert "bases/tiny belongs to another run: tokens" in capsys.readouterr().err


def test_finished_run_without_a_record_is_named(ablation: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "out" / "runs" / "whole-1" / "stage1" / RECORD).unlink()
    with pytest.raises(UserError, match=r"stage1 has no readable run\.json"):
        ablate(build(AblationConfig, ablation))
