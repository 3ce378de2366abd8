"""Sweeps, ablations and scores as the trainer's programs leave them, and workspaces without any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.report.measure.experiments import numbers
from corpus.report.parts import figures_of, tables_of
from corpus.report.show.experiments import section
from corpus.report.workspace import open_workspace
from tests.report import synthetic


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("experiments")
    synthetic.make_seeds(root)
    sweep, ablations, scores = (root / "training" / name for name in ("sweep", "ablations", "scores"))
    for folder in (sweep, ablations, scores):
        folder.mkdir(parents=True)
    runs = [
        {"benchmark": f"bfcl {synthetic.SCRIPT}", "size": size, "share": share, "seed": seed, "loss": 1 + (share - 0.4) ** 2 + seed / 100}
        for size in (1000, 3000)
        for share in (0.1, 0.3, 0.5, 0.9)
        for seed in (1, 2)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(runs), sweep / "runs.parquet")
    law = {
        "source": "agent", "runs": 16, "best": {"share": 0.38, "low": 0.3, "high": 0.5}, "noise": {"bfcl": 0.01},
        "forms": {"bfcl": {"form": "power", "left_out_error": {"mean": 0.2, "power": 0.03}}},
    }  # fmt: skip
    (sweep / "law.json").write_text(json.dumps(law))
    gap = {"value": 0.04, "low": 0.01, "high": 0.07, "verdict": "worse"}
    rows = [
        {"cell": "full", "benchmark": "bfcl", "loss": 1.2, "spread": 0.01, "seeds": 2, "difference": None},
        {
            "cell": "unfiltered",
            "benchmark": "bfcl",
            "loss": 1.24,
            "spread": 0.02,
            "seeds": 2,
            "difference": gap,
        },
    ]
    (ablations / "ablations.json").write_text(json.dumps({"reference": "full", "tokens": 1000, "rows": rows}))
    models = {
        f"/runs/stage1/checkpoints/step_{step}": {
            "name": f"stage1/step_{step}",
            "step": step,
            "benchmarks": {"bfcl": {"all": {"loss": 2 - step / 100, "stderr": 0.1}}},
            "scores": {"bfcl": "not run", "lm_eval": {"arc": {"acc": 0.25}}},
        }
        for step in (10, 20)
    }
    (scores / "scores.json").write_text(json.dumps({"models": models}))
    return root


@pytest.fixture(scope="module")
def found(workspace: Path) -> dict[str, Any]:
    return numbers(open_workspace(str(workspace)), {})


def test_losses_are_means_over_seeds_by_size_and_share(found: dict[str, Any]) -> None:
    (curves,) = found["law"]["benchmarks"].values()
    assert [one["size"] for one in curves["sizes"]] == [1000, 3000]
    point = curves["sizes"][0]["points"][1]
    assert (point["share"], point["runs"]) == (0.3, 2)
    assert point["loss"] == pytest.approx(1 + 0.01 + 0.015) and point["low"] < point["loss"] < point["high"]
    assert found["law"]["forms"] == [{"benchmark": "bfcl", "form": "power", "error": 0.03, "noise": 0.01}]


def test_ablations_carry_their_intervals_and_scores_what_was_not_run(found: dict[str, Any]) -> None:
    full, unfiltered = found["ablations"]["rows"]
    assert full["value"] is None and (unfiltered["low"], unfiltered["verdict"]) == (0.01, "worse")
    kinds = {
        (row["benchmark"], row["group"], row["measure"]): row["value"]
        for row in found["scores"]
        if row["step"] == 20
    }
    assert kinds == {
        ("bfcl", "all", "nats per byte"): 1.8,
        ("bfcl", "all", "not run"): None,
        ("lm_eval", "arc", "acc"): 0.25,
    }


def test_the_section_draws_the_law_the_ablations_and_the_checkpoints(found: dict[str, Any]) -> None:
    shown = section({"experiments": found})
    names = [figure.name for figure in figures_of([shown])]
    assert [name.split("-")[0] for name in names] == ["law", "ablation", "checkpoints"]
    assert all(figure.svg().startswith("<svg") for figure in figures_of([shown]))
    tables = [table.name for table in tables_of([shown])]
    assert len(set(tables)) == len(tables) and {"law_forms", "ablations", "scores_of_models"} <= set(tables)
    assert "38.0" in shown.lead and synthetic.SCRIPT not in " ".join(names)


def test_a_workspace_without_experiments_says_so_in_one_line(tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path)
    found = numbers(open_workspace(str(tmp_path)), {})
    assert found == {"law": None, "ablations": None, "scores": []}
    shown = section({"experiments": found})
    assert not shown.figures and not shown.tables and "No sweep" in shown.lead


def test_folders_that_are_named_are_read_in_place_of_those_looked_for(
    workspace: Path, tmp_path: Path
) -> None:
    synthetic.make_seeds(tmp_path)
    given = {"sweep": str(workspace / "training" / "sweep")}
    assert numbers(open_workspace(str(tmp_path)), given)["law"]["source"] == "agent"
