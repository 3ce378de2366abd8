from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from corpus.engine.config import build, load_yaml
from tests.training.support import REPOSITORY
from training.config import TrainConfig
from training.signals import EXIT_REQUEUE, STOP_SIGNALS

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


def test_launch_examples_can_be_read_by_their_programs_and_name_what_exists() -> None:
    launch = REPOSITORY / "conf" / "launch"
    job = load_yaml(str(launch / "kubernetes.yaml"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert (REPOSITORY / container["command"][1]).is_file()
    assert (REPOSITORY / container["args"][1]).is_file()
    ignored = job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]
    assert ignored["values"] == [EXIT_REQUEUE] and ignored["containerName"] == container["name"]
    script = launch / "slurm.sbatch"
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert f'"$code" -eq {EXIT_REQUEUE}' in script.read_text()
    assert f"--signal={STOP_SIGNALS[-1].name.removeprefix('SIG')}@" in script.read_text()


@pytest.mark.parametrize("base", ["tiny-cpu", "llama3-8b", "mistral-7b"])
def test_there_is_a_recipe_for_each_stage(base: str) -> None:
    assert [path.stem for path in RECIPES if path.stem.startswith(base)] == [
        f"{base}-stage{n}" for n in (1, 2, 3)
    ]
