"""What is measured of a model while it trains: held-out loss per source, and loss on benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training import heldout
from training.benchmark.encoding import Bools
from training.benchmark.hook import BenchmarkLoss
from training.data.arrays import IGNORE, Int32
from training.parallel import World
from training.plan import Plan
from training.step import TrainStep


class Measurements:
    """Rows for metrics.jsonl. All methods are collective: every rank makes the same passes."""

    def __init__(self, plan: Plan, step: TrainStep, world: World) -> None:
        self._config, self._step, self._world = plan.config, step, world
        vocabulary = plan.model.config.vocab_size
        self._heldout = heldout.open_heldout(plan.config, plan.tokenizer, vocabulary)
        self._benchmarks = _open_benchmarks(plan) if plan.config.benchmarks.data else None

    def are_due(self, step: int) -> bool:
        """Whether anything is to be measured at this step: at its start, its end, or every so many tokens."""
        return self._wants_heldout(step) or self._wants_benchmarks(step)

    def rows(self, step: int) -> Iterator[dict[str, Any]]:
        if self._wants_heldout(step):
            for source in self._heldout:
                found = heldout.measure(source, self._config, self._world, self.row_losses)
                yield {"event": "eval", "step": step, **found}
        if self._benchmarks and self._wants_benchmarks(step):
            for row in self._benchmarks.measure(self._counted_losses, self._world):
                yield {"event": "benchmark", "step": step, **row}

    def _wants_heldout(self, step: int) -> bool:
        return bool(self._heldout) and self._is_time(self._config.heldout.every, step)

    def _wants_benchmarks(self, step: int) -> bool:
        return self._benchmarks is not None and self._is_time(self._config.benchmarks.every, step)

    def _is_time(self, every: int, step: int) -> bool:
        return step in (0, self._config.steps) or self._config.reaches(every, step)

    def row_losses(self, ids: Int32, positions: Int32, labels: Int32) -> npt.NDArray[np.float64]:
        """Summed loss of each row."""
        model = self._step.model
        model.eval()
        with torch.no_grad():
            losses = self._step.evaluate_rows(ids, positions, labels).double().cpu().numpy()
        # Without a backward pass the root keeps its gathered parameters, which are no memory to save from.
        model.reshard()
        model.train()
        return np.asarray(losses)

    def _counted_losses(self, ids: Int32, positions: Int32, counted: Bools) -> npt.NDArray[np.float64]:
        return self.row_losses(ids, positions, np.where(counted, ids, IGNORE).astype(np.int32))


def _open_benchmarks(plan: Plan) -> BenchmarkLoss:
    config = plan.config
    # A pass is as large as one of training, so that it fits where training does.
    return BenchmarkLoss.open(
        config.benchmarks.data, plan.tokenizer.loaded, vocabulary=plan.model.config.vocab_size,
        longest=config.length, template=config.benchmarks.template, tokens=config.micro_rows * config.length,
    )  # fmt: skip


def describe(row: dict[str, Any]) -> str:
    """A measurement as a line for people."""
    if row["event"] == "eval":
        bits = f", {row['bits_per_byte']:.4f} bits per byte" if row["bits_per_byte"] is not None else ""
        return f"held-out loss of {row['source']} at step {row['step']}: {row['loss']:.4f}{bits}"
    name = f"{row['benchmark']} ({row['category']})"
    return f"benchmark loss of {name} at step {row['step']}: {row['loss']:.4f} nats per byte"
