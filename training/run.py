"""Train a Hugging Face causal model on Parquet shards. The same command starts a run and resumes it.

    python training/run.py --config conf/training/tiny-cpu-stage1.yaml data=SHARDS/stage1 model=... output=DIR
    torchrun --nproc_per_node 2 training/run.py --config ...        # the same tokens in the same order

The output folder gets metrics.jsonl, checkpoints/step_N/, export/ (Hugging Face format) and config.yaml.
Exit codes: 0 done, 1 bug, 2 user, 3 data, 75 stopped by SIGTERM with a checkpoint: run it again.
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
from corpus.engine.config import to_yaml
from training.config import TrainConfig
from training.export import export_run, is_exported
from training.loop import Trainer
from training.parallel import join_world
from training.plan import make_plan


def train(config: TrainConfig) -> str | None:
    """Run one stage to its end; returns a summary on rank 0 and None elsewhere."""
    plan = make_plan(config)
    logging.getLogger("torch.distributed.checkpoint").setLevel(logging.ERROR)
    with join_world(config.device) as world:

        def say(text: str) -> None:
            if world.first:
                print(text, file=sys.stderr, flush=True)

        output = Path(config.output)
        output.mkdir(parents=True, exist_ok=True)
        trainer = Trainer(plan, world, say)
        if trainer.resumed:
            say(f"resuming {output} from step {trainer.step} of {config.steps} on {world.size} rank(s)")
        else:
            say(f"starting a new run in {output} on {world.size} rank(s)\n{plan}")
        if world.first:
            (output / "config.yaml").write_text(to_yaml(config), "utf-8")
        trainer.run()
        if not is_exported(output / "export", trainer.step):
            export_run(trainer)
        return f"trained {trainer.step} steps; the model is in {output / 'export'}" if world.first else None


def main(argv: list[str] | None = None) -> int:
    return run_job(
        TrainConfig, train, description=__doc__ or "", plan=lambda config: str(make_plan(config)), argv=argv
    )


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written and closed. torch's communication threads race the interpreter's own shutdown, which
    # sometimes aborts a finished rank ("terminate called without an active exception") and fails the launch.
    os._exit(code)
