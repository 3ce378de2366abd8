"""Runs as batch scripts for SLURM, and one script that hands them in in order."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.trials.launch import Trial

SUBMIT = "submit.sh"

# Asked to stop, before the time limit or by preemption, the trainer saves and ends with 75, and the job is
# put back into the queue. The launcher must end with that code, which torchrun does not and
# conf/launch/ranks.py does. A signal cuts the first wait short, so there is a second one.
_SCRIPT = """#!/bin/sh
{head}
#SBATCH --requeue
trap 'kill -TERM $run' TERM
{command} &
run=$!
wait $run
code=$?
if [ $code -gt 128 ]; then wait $run; code=$?; fi
if [ $code -eq 75 ] && [ -n "$SLURM_JOB_ID" ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit $code
"""


def write_scripts(
    output: Path,
    trials: Sequence[Trial],
    after: Mapping[str, Trial],
    *,
    launcher: Sequence[str],
    options: Mapping[str, str],
) -> Path:
    """A run.sh in each folder, which a cluster may start in any order and requeue, and `output`/submit.sh.

    `after` names the run that a run has to wait for, by the name of the one that waits. `options` are those
    of sbatch (`{"gres": "gpu:1"}`). Returns the path of submit.sh.
    """
    lines = ["#!/bin/sh", "set -e"]
    variables: dict[str, str] = {}
    for number, trial in enumerate([*{t.name: t for t in after.values()}.values(), *trials]):
        script = _script(trial, launcher, options)
        if trial.finished:
            continue
        first = after.get(trial.name)
        wait = f" --dependency=afterok:${variables[first.name]}" if first and first.name in variables else ""
        variables[trial.name] = f"job_{number}"
        lines.append(f"job_{number}=$(sbatch --parsable{wait} {shlex.quote(str(script))})")
    lines.append(f"echo {len(variables)} runs handed in")
    submit = output / SUBMIT
    submit.write_text("\n".join(lines) + "\n", "utf-8")
    return submit


def _script(trial: Trial, launcher: Sequence[str], options: Mapping[str, str]) -> Path:
    folder = trial.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    head = {"job-name": trial.name, "output": f"{folder}/slurm-%j.out", "signal": "B:TERM@120", **options}
    text = _SCRIPT.format(
        head="\n".join(f"#SBATCH --{key}={value}" for key, value in head.items()),
        command=shlex.join(trial.command(launcher)),
    )
    script = folder / "run.sh"
    script.write_text(text, "utf-8")
    return script
