"""Run by an interpreter that has lm-eval: tasks by name, from its library or from a folder of one's own.

    python lm_eval_peer.py MODEL SCORES FOLDER DTYPE DEVICE BATCH TASK...       FOLDER may be empty

SCORES gets {task: {metric: value}}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lm_eval
from lm_eval.tasks import TaskManager


def main(model: str, scores: str, folder: str, *rest: str) -> None:
    dtype, device, batch, *tasks = rest
    manager = TaskManager(include_path=folder or None, include_defaults=not folder)
    found = lm_eval.simple_evaluate(
        model="hf",
        model_args=f"pretrained={model},dtype={dtype}",
        tasks=list(tasks),
        task_manager=manager,
        device=device,
        batch_size=int(batch),
        bootstrap_iters=0,
    )
    results = {
        task: {
            key.removesuffix(",none"): value for key, value in row.items() if isinstance(value, (int, float))
        }
        for task, row in found["results"].items()
    }
    Path(scores).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
