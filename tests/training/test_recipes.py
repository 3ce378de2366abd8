from __future__ import annotations

from pathlib import Path

import pytest

from corpus.engine.config import build, load_yaml
from tests.training.support import REPOSITORY
from training.config import TrainConfig

RECIPES = sorted((REPOSITORY / "conf" / "training").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_a_valid_config_once_paths_are_given(path: Path) -> None:
    config = build(TrainConfig, {**load_yaml(str(path)), "data": "d", "output": "o"}, where=path.name)
    assert config.rows % config.micro_rows == 0


def test_stage_two_warms_up_again_to_a_lower_peak() -> None:
    for base in ("tiny-cpu", "llama3-8b", "mistral-7b"):
        one, two = (
            build(
                TrainConfig,
                {
                    **load_yaml(str(REPOSITORY / f"conf/training/{base}-{stage}.yaml")),
                    "data": "d",
                    "output": "o",
                },
            )
            for stage in ("stage1", "stage2")
        )
        assert two.optimiser.lr < one.optimiser.lr and two.schedule.warmup > 0
