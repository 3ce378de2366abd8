from __future__ import annotations

import os
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
    assert f"code={EXIT_REQUEUE}" in script.read_text()
    assert f"--signal={STOP_SIGNALS[-1].name.removeprefix('SIG')}@" in script.read_text()


SRUN = """#!/bin/bash
# Two tasks, as srun --kill-on-bad-exit runs them: the first bad code kills what still runs.
shift
pids=()
for number in 0 1; do
  SLURM_PROCID=$number SLURM_LOCALID=$number setsid "$@" & pids+=($!)
done
worst=0
while [ ${#pids[@]} -gt 0 ]; do
  wait -n -p ended "${pids[@]}"; code=$?
  left=(); for pid in "${pids[@]}"; do [ "$pid" = "$ended" ] || left+=("$pid"); done
  pids=("${left[@]}")
  [ "$code" -le "$worst" ] || worst=$code
  [ "$code" -eq 0 ] || for pid in "${pids[@]}"; do kill -KILL -- "-$pid"; done
done
exit "$worst"
"""


@pytest.mark.parametrize(
    ("ends", "code", "requeued"), [("75 75", 75, True), ("0 0", 0, False), ("2 75", 2, False)]
)
def test_a_slurm_job_goes_back_into_the_queue_when_all_its_ranks_were_saved_however_far_apart(
    tmp_path: Path, ends: str, code: int, requeued: bool
) -> None:
    """Programs of the cluster and the trainer are stand-ins; what is tried is the script between them."""
    programs = {
        "srun": SRUN,
        "scontrol": '#!/bin/bash\n[ "$1" = requeue ] && touch requeued; echo host\n',
        "python": f'#!/bin/bash\nends=({ends}); sleep 0.$((RANK * 5)); exit "${{ends[$RANK]}}"\n',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    found = subprocess.run(
        ["bash", str(REPOSITORY / "conf" / "launch" / "slurm.sbatch"), "recipe.yaml", "data=x"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_SUBMIT_DIR": str(tmp_path), "SLURM_JOB_ID": "7",
             "SLURM_JOB_NODELIST": "host", "SLURM_NTASKS": "2"},
        check=False, timeout=60,
    )  # fmt: skip
    assert found.returncode in ((code, 137) if code == 2 else (code,))
    assert (tmp_path / "requeued").exists() == requeued
    assert not list(tmp_path.glob(".hephaestus-*"))


@pytest.mark.parametrize("base", ["tiny-cpu", "llama3-8b", "mistral-7b"])
def test_there_is_a_recipe_for_each_stage(base: str) -> None:
    assert [path.stem for path in RECIPES if path.stem.startswith(base)] == [
        f"{base}-stage{n}" for n in (1, 2, 3)
    ]
