from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.forge import trainer
from corpus.forge.config import STAGES, ForgeConfig, Workspace
from corpus.forge.run import clear_from, plan, run


def config(tmp_path: Path, **keys: object) -> ForgeConfig:
    return build(ForgeConfig, {"output": str(tmp_path / "work"), **keys})


def made_by_a_stage(folder: str) -> None:
    Path(folder).mkdir(parents=True)
    (Path(folder) / "manifest.json").write_text("{}")


def test_plan_names_every_stage_in_order_and_touches_nothing(tmp_path: Path) -> None:
    printed = plan(config(tmp_path))
    positions = [printed.index(f"  {stage} ") for stage in STAGES]
    assert positions == sorted(positions)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"skip": ["filter"]}, "'skip' cannot be 'filter'"),
        ({"set": {"filtre": {"min_words": 1}}}, "did you mean 'filter'"),
        ({"set": {"filter": {"min_word": 1}}}, "did you mean 'min_words'"),
    ],
)
def test_wrong_setting_is_refused_before_anything_is_written(
    tmp_path: Path, keys: dict[str, object], sentence: str
) -> None:
    for command in (run, plan):
        with pytest.raises(UserError, match=sentence):
            command(config(tmp_path, **keys))
    assert not (tmp_path / "work").exists()


def test_start_from_a_stage_removes_it_and_all_behind_it(tmp_path: Path) -> None:
    space = Workspace(str(tmp_path))
    for stage in STAGES:
        made_by_a_stage(space[stage])
    clear_from(space, "match", [])
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        *("classifier", "clean", "clean_seeds", "pages", "seeds", "unique"),
    ]


def test_folder_that_no_stage_has_made_is_never_removed(tmp_path: Path) -> None:
    space = Workspace(str(tmp_path))
    made_by_a_stage(space["dedup"])
    (tmp_path / "matched").mkdir()
    (tmp_path / "matched" / "diary.md").write_text("mine")
    with pytest.raises(UserError, match="was not made by the road"):
        clear_from(space, "dedup", [])
    assert (tmp_path / "matched" / "diary.md").exists() and (tmp_path / "unique").exists()


def test_own_input_is_never_removed(tmp_path: Path) -> None:
    space = Workspace(str(tmp_path))
    made_by_a_stage(space["seeds"])
    with pytest.raises(UserError, match="is an input of this run"):
        clear_from(space, "seeds", [str(tmp_path / "seeds" / "mine.jsonl")])
    assert (tmp_path / "seeds").exists()


def test_nothing_that_a_setting_reads_is_removed(tmp_path: Path) -> None:
    inside = {
        "labels": str(tmp_path / "seeds" / "labels.csv"),
        "tokenizer": str(tmp_path / "shards" / "tokenizer"),
        "model": str(tmp_path / "training" / "stage1" / "export"),
        "set": {"match": {"embeddings": [str(tmp_path / "matched")]}},
    }
    for stage in STAGES:
        made_by_a_stage(Workspace(str(tmp_path))[stage])
    for key, value in inside.items():
        with pytest.raises(UserError, match="is an input of this run"):
            run(config(tmp_path, output=str(tmp_path), from_stage="seeds", **{key: value}))
    assert (tmp_path / "training").exists() and (tmp_path / "shards").exists()


def test_mix_without_code_and_text_says_so(tmp_path: Path) -> None:
    assert "no code= and no text= was given" in plan(config(tmp_path, input=["crawl.warc.gz"]))
    assert "note" not in plan(config(tmp_path, input=["x.warc.gz"], code=["c"], text=["embedded"]))


def test_recipes_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path(trainer.from_repository("training/run.py")).is_file()
    assert trainer.from_repository("no/such/file") == "no/such/file"


def test_launcher_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(UserError, match="cannot start 'no-such-launcher'"):
        trainer.supervise(["no-such-launcher"])


def test_exit_code_of_training_is_passed_on() -> None:
    assert trainer.supervise([sys.executable, "-c", "raise SystemExit(75)"]) == 75
    assert trainer.TrainingError("", 75).exit_code == 75
    assert trainer.TrainingError("", 9).exit_code == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_trainer_does_not_outlive_a_killed_road(tmp_path: Path, repository: Path) -> None:
    mark = tmp_path / "ended"
    child = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(mark)!r}).touch(), sys.exit(75)))\n"
        f"pathlib.Path({str(tmp_path / 'started')!r}).touch()\n"
        "time.sleep(60)\n"
    )
    code = f"import sys; from corpus.forge.trainer import supervise; supervise([sys.executable, '-c', {child!r}])"
    road = subprocess.Popen([sys.executable, "-c", code], cwd=repository)
    wait_for(tmp_path / "started")
    road.send_signal(signal.SIGKILL)
    road.wait()
    wait_for(mark)


def wait_for(path: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not come"
        time.sleep(0.05)
