"""Train a Hugging Face causal model on Parquet shards. The same command starts a run and resumes it.

    python training/run.py --config conf/training/tiny-cpu-stage1.yaml data=SHARDS/stage1 model=... output=DIR
    torchrun --nproc_per_node 2 training/run.py --config ...        # the same tokens in the same order

The output folder gets metrics.jsonl, checkpoints/step_N/, export/ (Hugging Face format), and config.yaml and
run.json, which say what the run began with: with other keys or inputs it is refused, not taken on.
Exit codes: 0 done, 1 bug, 2 user, 3 data, 75 stopped by SIGTERM or SIGUSR1 and saved: run it again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# As a script, Python puts training/ first in the path, where its modules would shadow others.
if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

# Threads that wait for each other by spinning starve on a shared machine: measured 5,100 against 9,700
# tokens/s on two busy cores. It is read when torch is loaded, so it stands before the imports.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import logging

from corpus.engine.cli import run_job
from training.config import TrainConfig
from training.export import EXPORT, export_run, is_exported
from training.forecast import dry_run
from training.loop import Trainer
from training.parallel import join_world
from training.plan import make_plan
from training.run_folder import begin, check_same_run, has_begun, held
from training.run_log.sinks import check_sinks
from training.signals import EXIT_REQUEUE, Stop, heeded


def train(config: TrainConfig) -> str | None:
    """Run one stage to its end; returns a summary on rank 0 and None elsewhere.

    Raises SystemExit with EXIT_REQUEUE after a stop signal, whatever it was at: loading, or a step. One that
    comes in an export lets it come to its end.
    """
    with heeded() as stop:
        return _train(config, stop)


def _train(config: TrainConfig, stop: Stop) -> str | None:
    plan = make_plan(config)
    check_sinks(config.log)
    logging.getLogger("torch.distributed.checkpoint").setLevel(logging.ERROR)
    with join_world(config.device) as world:

        def say(text: str) -> None:
            if world.first:
                print(text, file=sys.stderr, flush=True)

        output = Path(config.output)
        with held(output, world, say):
            if world.from_first(is_exported(output)):
                check_same_run(output, plan.fingerprint(), world)
                summary = f"nothing to do: this run is finished; the model is in {output / EXPORT}"
            else:
                trainer = Trainer(plan, world, say, stop)
                if any(world.gather(stop.asked)):
                    say(f"stopped by a signal at step {trainer.step}; the same command goes on from there.")
                    raise SystemExit(EXIT_REQUEUE)
                summary = _to_the_end(trainer)
        return summary if world.first else None


def _to_the_end(trainer: Trainer) -> str:
    """Start or resume, train, export."""
    config, output, ranks = trainer.config, trainer.output, trainer.world.size
    if trainer.resumed:
        trainer.say(f"resuming {output} from step {trainer.step} of {config.steps} on {ranks} rank(s)")
    else:
        trainer.say(f"starting a new run in {output} on {ranks} rank(s)\n{trainer.plan}")
    if trainer.world.first and not (trainer.resumed and has_begun(output)):
        begin(output, config, trainer.fingerprint)
    trainer.run()
    return f"trained {trainer.step} steps; the model is in {export_run(trainer)}"


def main(argv: list[str] | None = None) -> int:
    return run_job(TrainConfig, train, description=__doc__ or "", plan=dry_run, argv=argv)


if __name__ == "__main__":
    try:
        code = main()
    except SystemExit as left:  # of a run that a signal stopped: it has to go past the shutdown, too
        code = left.code if isinstance(left.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written and closed. torch's communication threads race the interpreter's own shutdown, which
    # sometimes aborts a finished rank ("terminate called without an active exception") and fails the launch.
    os._exit(code)
