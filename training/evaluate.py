"""Benchmark loss of models: nats per byte of gold answers under each benchmark's prompt.

    python training/evaluate.py model=RUN/export output=SCORES \\
        benchmarks.bfcl.kind=bfcl benchmarks.bfcl.path=bfcl_eval/data
    python training/evaluate.py model=RUNS benchmarks.agent.path=items.jsonl output=SCORES  # every checkpoint

`model` takes Hugging Face folders, runs of training/run.py (each checkpoint and the export), and folders of
such. Writes scores.json after each model and scores.md at the end; the same command again measures what is
not there yet.
"""

from __future__ import annotations

import sys
from pathlib import Path

# As a script, Python puts training/ first in the path, where its modules would shadow others.
if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from corpus.engine.cli import run_job
from training.benchmark.config import EvaluateConfig
from training.benchmark.run import evaluate, plan


def main(argv: list[str] | None = None) -> int:
    return run_job(EvaluateConfig, evaluate, description=__doc__ or "", plan=plan, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
