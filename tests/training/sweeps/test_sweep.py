"""A sweep runs what its grid says, goes on where it stopped, and fits a law to what was measured."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from corpus.engine.config import build
from corpus.engine.errors import UserError
from tests.training.support import REPOSITORY, write_model, write_shards
from training.sweep import main
from training.sweeps import runs
from training.sweeps.config import Cell, SweepConfig, cells
from training.sweeps.report import report
from training.sweeps.study import FIGURE, LAW, REPORT, RUNS, STAGE, study, tables
from training.trials.same import settings_of

SHARES = (0.0, 0.2, 0.4, 0.6, 0.8)
RECIPE = """model: tiny
rows: 8
length: 32
micro_rows: 8
device: cpu
optimiser: {lr: 0.01}
heldout: {rows: 4}
"""


def config(tmp_path: Path, **keys: Any) -> SweepConfig:
    given = {
        "data": str(tmp_path / "shards" / "stage1"),
        "models": {"tiny": str(tmp_path / "model")},
        "recipe": str(write_recipe(tmp_path)),
        "output": str(tmp_path / "sweep"),
        "shares": list(SHARES),
        "aside": [0.4],
        "tokens": 8 * 32 * 4,
        "resamples": 10,
    }
    return build(SweepConfig, {**given, **keys})


def write_recipe(folder: Path) -> Path:
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder / "recipe.yaml"


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    write_recipe(tmp_path)
    write_shards(tmp_path / "shards", {"agent": 1.0, "code": 2.0})
    write_model(tmp_path / "model")
    return tmp_path


def test_grid_repeats_only_the_shares_that_are_asked_for(tmp_path: Path) -> None:
    found = cells(config(tmp_path, seeds=[1, 2, 3], repeat=[0.2], models={"a": "A", "b": "B"}))
    assert len(found) == 2 * (5 + 2)
    assert [cell.name for cell in found[:6]] == [
        "a-0-1",
        "a-0.2-1",
        "a-0.4-1",
        "a-0.6-1",
        "a-0.8-1",
        "b-0-1",
    ]
    assert [cell.name for cell in found[-4:]] == ["a-0.2-2", "b-0.2-2", "a-0.2-3", "b-0.2-3"]
    with pytest.raises(UserError, match=r"repeat=0\.3 is none of shares"):
        config(tmp_path, repeat=[0.3])


def test_rest_of_the_mix_keeps_its_ratio(tmp_path: Path) -> None:
    write_shards(tmp_path / "shards", {"agent": 3.0, "code": 2.0})
    assert runs.shares_of(config(tmp_path), 0.4) == pytest.approx({"agent": 0.4, "code": 0.6})
    with pytest.raises(UserError, match="source=agnet is none of the sources"):
        runs.shares_of(config(tmp_path, source="agnet"), 0.4)


def test_tokens_follow_the_parameters_outside_the_embeddings(inputs: Path) -> None:
    sized = config(inputs, tokens=0, tokens_per_parameter=3)
    found = settings_of(runs.trial(sized, Cell("tiny", 0.2, 1)))
    size = runs.size_of(sized, "tiny")
    layer = 4 * 36 * 36 + 3 * 36 * 50 + 2 * 36  # attention, gated unit, two norms
    assert size == 2 * layer + 36
    assert found.tokens == 3 * size and found.weights == pytest.approx({"agent": 0.2, "code": 0.8})


def test_slurm_scripts_hold_the_command_of_each_run_and_wait_for_its_base(
    inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command(inputs), "shares=0,0.2", "launch=slurm", "base_tokens=1024", "slurm.gres=gpu:1",
                 "launcher=python conf/launch/ranks.py 2"]) == 0  # fmt: skip
    script = (inputs / "sweep" / "runs" / "tiny-0.2-1" / "run.sh").read_text()
    assert "#SBATCH --job-name=tiny-0.2-1" in script and "#SBATCH --gres=gpu:1" in script
    assert "python conf/launch/ranks.py 2" in script and "seed=1" in script and "weights.agent=0.2" in script
    assert f"model={inputs}/sweep/bases/tiny/export" in script
    submit = (inputs / "sweep" / "submit.sh").read_text().splitlines()
    assert [line.partition("=")[0] for line in submit[2:5]] == ["job_0", "job_1", "job_2"]
    assert "bases/tiny/run.sh" in submit[2] and "--dependency" not in submit[2]
    assert all("--dependency=afterok:$job_0" in line for line in submit[3:5])
    assert "2 runs are waiting" in capsys.readouterr().out


def rows_of(noise: float = 0.0, sizes: tuple[int, ...] = (1_000_000,)) -> list[dict[str, Any]]:
    """Losses with a known best share of 0.36 for both benchmarks taken together."""
    rng = np.random.default_rng(0)
    rows = []
    for size in sizes:
        for share in np.linspace(0, 0.9, 10):
            shares = {"agent": float(share), "code": (1 - share) / 2, "text": (1 - share) / 2}
            one = {"run": f"{size}-{share:.1f}", "model": str(size), "size": size, "tokens": 20 * size}
            one |= {"seed": 1, "share": float(share), "shares": list(shares.items())}
            offset = 0.1 * (1_000_000 / size) ** 0.3
            losses = {
                "heldout.agent": 0.8 + offset + np.exp(-5 * share),
                "heldout.text": 0.9 + offset + np.exp(-3.6 + 5 * share),
            }
            for name, loss in losses.items():
                value = float(loss * np.exp(noise * rng.standard_normal()))
                rows.append({**one, "benchmark": name, "loss": value})
    return rows


def test_study_finds_the_known_optimum_and_writes_what_a_stage_needs(tmp_path: Path) -> None:
    found = config(tmp_path, aside=[0.2, 0.5], tolerance=0.05)
    Path(found.output).mkdir()
    law = study(found, rows_of())
    assert law["best"]["share"] == pytest.approx(0.36, abs=0.02)
    assert law["set_aside"]["check"]["mixes"] == 2 and law["set_aside"]["check"]["error"] < 0.01
    assert law["harmless"]["for"] == ["heldout.text"] and 0 < law["harmless"]["share"] < 0.36
    stage = yaml.safe_load((Path(found.output) / STAGE).read_text())
    assert stage["weights"]["agent"] == pytest.approx(law["best"]["share"])
    assert sum(stage["weights"].values()) == pytest.approx(1, abs=1e-3)
    assert json.loads((Path(found.output) / LAW).read_text()) == json.loads(json.dumps(law))
    assert law["curves"].keys() == {"heldout.agent", "heldout.text"}
    for name, curve in law["curves"].items():
        assert [row["share"] for row in curve] == pytest.approx(np.arange(0, 0.901, 0.02))
        true = {row["share"]: row["loss"] for row in rows_of() if row["benchmark"] == name}
        near = [
            (row["loss"], true[share]) for row in curve for share in true if abs(share - row["share"]) < 1e-6
        ]
        assert len(near) == 10 and all(said == pytest.approx(loss, rel=0.01) for said, loss in near)
        assert {row["size"] for row in curve} == {1_000_000}
    figure = (Path(found.output) / FIGURE).read_text()
    assert "heldout.agent" in figure and "share of agent in tokens" in figure


def test_stage_follows_the_constraint_where_that_is_asked_for(tmp_path: Path) -> None:
    found = config(tmp_path, tolerance=0.05, recommend="constraint", resamples=0)
    Path(found.output).mkdir()
    law = study(found, rows_of())
    stage = yaml.safe_load((Path(found.output) / STAGE).read_text())
    assert stage["weights"]["agent"] == pytest.approx(law["harmless"]["share"]) != law["best"]["share"]


def test_report_says_what_the_runs_do_not_tell(tmp_path: Path) -> None:
    found = config(tmp_path, aside=[0.2, 0.5], resamples=20, target={"heldout.agent": 1.0})
    Path(found.output).mkdir()
    law = study(found, rows_of())
    text = (Path(found.output) / REPORT).read_text()
    assert "edge of what was run" in text and f"**{law['best']['share']:.2f}**" in text
    assert "do not tell" in report({**law, "best": {**law["best"], "low": 0.1, "high": 0.7}})


def test_same_runs_give_the_same_figure(tmp_path: Path) -> None:
    pictures = []
    for name in ("a", "b"):
        found = config(tmp_path, output=str(tmp_path / name), resamples=2)
        Path(found.output).mkdir()
        study(found, rows_of())
        pictures.append((Path(found.output) / FIGURE).read_bytes())
    assert pictures[0] == pictures[1]


@pytest.mark.slow  # a law over three sizes, fitted twice
def test_largest_of_three_sizes_is_kept_from_the_fit(tmp_path: Path) -> None:
    found = config(tmp_path, aside=[0.2], resamples=0)
    Path(found.output).mkdir()
    law = study(found, rows_of(sizes=(1_000_000, 3_000_000, 8_000_000)))
    assert law["set_aside"]["largest_size"] and law["set_aside"]["check"]["mixes"] == 12
    assert law["set_aside"]["check"]["error"] < 0.01 and law["set_aside"]["check"]["rank"] > 0.9
    assert law["best"]["low"] is None  # without resamples there is no interval, and none is made up


def test_benchmarks_have_the_same_runs_in_the_same_order() -> None:
    found = tables(rows_of(sizes=(1_000_000, 3_000_000)))
    one, other = found.values()
    assert np.array_equal(one.shares, other.shares) and np.array_equal(one.sizes, other.sizes)


@pytest.mark.parametrize("key", ["target", "general"])
def test_benchmark_that_no_run_measured_is_named(tmp_path: Path, key: str) -> None:
    given = {"target": {"heldout.agnt": 1.0}, "general": ["heldout.agnt"]}
    with pytest.raises(UserError, match=r"did you mean 'heldout\.agent'"):
        study(config(tmp_path, **{key: given[key]}), rows_of())


def command(inputs: Path, **changes: Any) -> list[str]:
    given = {
        **{
            "data": f"{inputs}/shards/stage1",
            "models.tiny": f"{inputs}/model",
            "recipe": f"{inputs}/recipe.yaml",
        },
        **{"output": f"{inputs}/sweep", "tokens": 8 * 32 * 4, "resamples": 5, "aside": 0.4, **changes},
    }
    return [f"{key}={value}" for key, value in given.items()]


@pytest.mark.slow  # seven runs of the trainer, each in a process of its own
def test_sweep_trains_measures_and_goes_on_where_it_stopped(
    inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*command(inputs), "base_tokens=512", "parallel=2"]
    assert main([*words, "shares=0,0.4"]) == 2  # too few for a law, but both are trained
    assert "a law needs at least" in capsys.readouterr().err
    first = {p: p.stat().st_mtime_ns for p in (inputs / "sweep").glob("*/*/losses.json")}
    kept = inputs / "sweep" / "bases" / "tiny" / "export" / "config.json"
    base = kept.stat().st_mtime_ns
    assert len(first) == 2
    assert main([*words, "shares=0,0.2,0.4,0.6,0.8"]) == 0
    assert all(path.stat().st_mtime_ns == time for path, time in first.items())
    assert kept.stat().st_mtime_ns == base
    table = pq.read_table(inputs / "sweep" / RUNS).to_pylist()
    assert {row["run"] for row in table} == {f"tiny-{share:g}-1" for share in SHARES}
    assert {row["benchmark"] for row in table} == {"heldout.agent"}
    assert {row["base_tokens"] for row in table} == {512}
    assert dict(table[1]["shares"])["code"] == pytest.approx(0.8)
    assert "best share" in capsys.readouterr().out


@pytest.mark.slow  # two runs of the trainer, one of them twice
def test_killed_sweep_goes_on_and_ends_with_the_losses_of_one_that_was_not(inputs: Path) -> None:
    more = {"shares": "0.2,0.4", "train.checkpoint.every": 1, "tokens": 8 * 32 * 40}
    words = command(inputs, **more)
    assert main(command(inputs, **more, output=f"{inputs}/whole")) == 2
    program = [sys.executable, str(REPOSITORY / "training" / "sweep.py"), *words]
    first = inputs / "sweep" / "runs" / "tiny-0.2-1"
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not any((first / "checkpoints").glob("step_*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()  # the sweep dies; its run is still at work and holds its folder
    process.wait()
    assert main(words) == 2
    for share in ("0.2", "0.4"):
        whole, again = (json.loads((inputs / name / "runs" / f"tiny-{share}-1" / "losses.json").read_text())
                        for name in ("whole", "sweep"))  # fmt: skip
        assert whole == again


@pytest.mark.slow  # a run of the trainer, twice
def test_signal_to_the_sweep_reaches_its_runs_which_save(inputs: Path) -> None:
    words = command(inputs, shares=0.2, tokens=8 * 32 * 4000, **{"train.checkpoint.every": 100000})
    program = [sys.executable, str(REPOSITORY / "training" / "sweep.py"), *words]
    folder = inputs / "sweep" / "runs" / "tiny-0.2-1"
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (folder / "metrics.jsonl").is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 75, said
    assert any((folder / "checkpoints").glob("step_*"))
