from __future__ import annotations

from pathlib import Path

import pytest

from corpus import forge
from corpus.engine.config import build
from corpus.engine.errors import UserError


def config(tmp_path: Path, **keys: object) -> forge.ForgeConfig:
    return build(forge.ForgeConfig, {"output": str(tmp_path / "work"), **keys})


def test_plan_names_every_stage_in_order_and_touches_nothing(tmp_path: Path) -> None:
    plan = forge.plan(config(tmp_path))
    positions = [plan.index(f"  {stage}") for stage in forge.STAGES]
    assert positions == sorted(positions)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("keys", [{"skip": ["filter"]}, {"set": {"filtre": {"min_words": 1}}}])
def test_stage_that_cannot_be_named_is_refused_before_anything_runs(
    tmp_path: Path, keys: dict[str, object]
) -> None:
    with pytest.raises(UserError, match="is not a stage"):
        forge.run(config(tmp_path, **keys))
    assert not (tmp_path / "work").exists()


def test_start_from_a_stage_removes_it_and_all_behind_it(tmp_path: Path) -> None:
    space = forge.Workspace(str(tmp_path))
    for stage in forge.STAGES:
        Path(space[stage]).mkdir()
    forge.clear_from(space, "match")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["classifier", "pages", "seeds", "unique"]


def test_recipes_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path(forge.from_repository("training/run.py")).is_file()
    assert forge.from_repository("no/such/file") == "no/such/file"
