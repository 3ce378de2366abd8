"""Runs end, fail and stop as one would by hand, and batch scripts are handed in in the order that they need."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.support import REPOSITORY
from training.trials import launch
from training.trials.launch import RunError, Trial, train_all
from training.trials.slurm import write_scripts

# In place of training/run.py, whose path is the first word behind it: writes an export, or ends as it is told.
STAND_IN = [
    sys.executable,
    "-c",
    "import pathlib, sys, time\n"
    "folder, code, seconds = pathlib.Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])\n"
    "(folder / 'begun').touch()\n"
    "(folder / 'checkpoints').mkdir()\n"
    "time.sleep(seconds)\n"
    "print('last words')\n"
    "code or (folder / 'export').mkdir() or (folder / 'export' / 'config.json').touch()\n"
    "sys.exit(code)",
]


def trial(folder: Path, name: str, *, code: int = 0, seconds: float = 0) -> Trial:
    return Trial(name, folder / name, (str(folder / name), str(code), str(seconds)))


def test_all_runs_end_and_each_is_told_once_in_this_thread(tmp_path: Path) -> None:
    trials, told = [trial(tmp_path, f"t{n}") for n in range(5)], []
    train_all(trials, lambda one: told.append(one.name), launcher=STAND_IN, parallel=2)
    assert sorted(told) == ["t0", "t1", "t2", "t3", "t4"] and all(one.finished for one in trials)
    assert not any((one.folder / "checkpoints").exists() for one in trials)
    train_all(trials, lambda one: told.append(one.name), launcher=["/nowhere"], parallel=2)
    assert len(told) == 10  # finished ones are told again, and nothing is started for them


def test_checkpoints_of_a_finished_run_stay_where_that_is_asked_for(tmp_path: Path) -> None:
    train_all([trial(tmp_path, "t")], lambda _: None, launcher=STAND_IN, keep=True)
    assert (tmp_path / "t" / "checkpoints").is_dir()


@pytest.mark.parametrize(("code", "own"), [(2, 2), (3, 3), (75, 75), (9, 1)])
def test_first_failure_stops_what_has_not_begun_and_keeps_its_code(
    tmp_path: Path, code: int, own: int
) -> None:
    trials = [trial(tmp_path, "bad", code=code), trial(tmp_path, "later")]
    with pytest.raises(RunError, match=f"the run bad ended with code {code}: last words") as caught:
        train_all(trials, lambda _: None, launcher=STAND_IN)
    assert caught.value.exit_code == own and not trials[1].folder.exists()


def test_run_that_an_earlier_call_left_at_work_is_waited_for(tmp_path: Path) -> None:
    one = trial(tmp_path, "t")
    one.folder.mkdir()
    hold = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True)"
    earlier = subprocess.Popen(
        [sys.executable, "-c", f"{hold}; time.sleep(1)", str(one.folder / ".lock")], stdout=subprocess.PIPE
    )
    assert earlier.stdout and earlier.stdout.readline()
    train_all([one], lambda _: None, launcher=STAND_IN)
    assert one.finished and earlier.poll() == 0
    earlier.stdout.close()


@pytest.fixture
def cluster(tmp_path: Path) -> dict[str, str]:
    """A PATH on which sbatch notes what it is given and answers with a number, as the real one does."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sbatch").write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/handed\nwc -l < {tmp_path}/handed\n'
    )
    (programs / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/requeued\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}


def test_submission_hands_in_each_run_behind_the_one_that_it_needs(
    tmp_path: Path, cluster: dict[str, str]
) -> None:
    base, one, two = (trial(tmp_path, name) for name in ("base", "one", "two"))
    after = {"one": base, "two": base}
    submit = write_scripts(tmp_path, [one, two], after, launcher=STAND_IN, options={"gres": "gpu:1"})
    subprocess.run(["sh", str(submit)], env=cluster, check=True, capture_output=True)
    assert (tmp_path / "handed").read_text().splitlines() == [
        f"--parsable {tmp_path}/base/run.sh",
        f"--parsable --dependency=afterok:1 {tmp_path}/one/run.sh",
        f"--parsable --dependency=afterok:1 {tmp_path}/two/run.sh",
    ]
    assert "#SBATCH --gres=gpu:1" in (tmp_path / "one" / "run.sh").read_text()
    subprocess.run(["sh", str(tmp_path / "base" / "run.sh")], env=cluster, check=True, capture_output=True)
    (tmp_path / "handed").unlink()
    again = write_scripts(tmp_path, [one], after, launcher=STAND_IN, options={})
    subprocess.run(["sh", str(again)], env=cluster, check=True, capture_output=True)
    assert (tmp_path / "handed").read_text() == f"--parsable {tmp_path}/one/run.sh\n"  # the base is finished


def test_job_that_is_stopped_passes_it_on_and_is_put_back_into_the_queue(
    tmp_path: Path, cluster: dict[str, str]
) -> None:
    saving = [sys.executable, "-c",
              "import pathlib, signal, sys, time\n"
              "def stop(*_): sys.exit(75)\n"
              "signal.signal(signal.SIGTERM, stop)\n"
              "pathlib.Path(sys.argv[2], 'begun').touch()\n"
              "time.sleep(60)"]  # fmt: skip
    write_scripts(tmp_path, [trial(tmp_path, "one")], {}, launcher=saving, options={})
    job = subprocess.Popen(["sh", str(tmp_path / "one" / "run.sh")], env={**cluster, "SLURM_JOB_ID": "17"})
    deadline = time.monotonic() + 60
    while not (tmp_path / "one" / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    job.send_signal(signal.SIGTERM)
    assert job.wait(timeout=60) == 75
    assert (tmp_path / "requeued").read_text() == "requeue 17\n"


def test_ranks_of_a_job_that_save_themselves_put_it_back_into_the_queue(
    tmp_path: Path, cluster: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the help of launcher= names it: torchrun would make a 1 of their 75."""
    (tmp_path / "run.py").write_text(
        "import os, pathlib, sys\n"
        "said = [*sys.argv[2:], os.environ['WORLD_SIZE']]\n"
        "pathlib.Path(sys.argv[1], os.environ['RANK']).write_text(' '.join(said))\n"
        "sys.exit(75)\n"
    )
    monkeypatch.setattr(launch, "RUN", tmp_path / "run.py")
    ranks = [sys.executable, str(REPOSITORY / "conf" / "launch" / "ranks.py"), "2"]
    write_scripts(tmp_path, [trial(tmp_path, "one")], {}, launcher=ranks, options={})
    script = ["sh", str(tmp_path / "one" / "run.sh")]
    ended = subprocess.run(script, env={**cluster, "SLURM_JOB_ID": "17"}, check=False, timeout=60)
    assert ended.returncode == 75 and (tmp_path / "requeued").read_text() == "requeue 17\n"
    assert [(tmp_path / "one" / rank).read_text() for rank in "01"] == ["0 0 2", "0 0 2"]
