"""Training steps on the CPU, documents isolated, against Hugging Face's Trainer and a bare compiled loop, which are not.

    python -m tests.benchmarks.training_speed [fp32|bf16] [ROUNDS]

The Trainer needs the package accelerate and is left out without it. One model of 20 million parameters, one batch of 4 x 1,024 tokens, all cores; short runs take turns, so that whatever
else the machine does falls on all alike. Rates are by wall clock and by processor time; ratios are medians of rounds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from torch import Tensor

from corpus.engine.config import build
from training.config import TrainConfig
from training.data.arrays import IGNORE, Int32
from training.model import ModelSource, build_model
from training.optimiser import Optimiser
from training.parallel import World, join_world
from training.step import TrainStep

ROWS, LENGTH, VOCABULARY, STEPS = 4, 1024, 8192, 1
DOCUMENT = 400  # tokens of a document on average; the lengths are exponential


class Packed(NamedTuple):
    ids: Int32
    positions: Int32
    labels: Int32


def packed_rows(rows: int, length: int, vocabulary: int, mean: int, seed: int) -> Packed:
    """Random tokens in documents of exponential lengths, cut at the edges of rows."""
    rng = np.random.default_rng(seed)
    positions = np.zeros((rows, length), np.int32)
    for row in positions:
        at = 0
        while at < length:
            size = min(int(rng.exponential(mean)) + 2, length - at)
            row[at : at + size] = np.arange(size)
            at += size
    ids = rng.integers(0, vocabulary, (rows, length)).astype(np.int32)
    return Packed(ids, positions, np.where(positions == 0, IGNORE, ids).astype(np.int32))


def model_config() -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=384, intermediate_size=1024, num_hidden_layers=8, num_attention_heads=6,
        num_key_value_heads=6, max_position_embeddings=LENGTH, tie_word_embeddings=False,
    )  # fmt: skip


class Taken(NamedTuple):
    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Taken:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - wall, time.process_time() - cpu)


def ours(world: World, batch: Packed, precision: str) -> Callable[[], Taken]:
    keys = {
        "data": "-", "model": "-", "output": "-", "rows": ROWS, "length": LENGTH, "micro_rows": ROWS,
        "precision": precision, "device": "cpu", "compile": True,
    }  # fmt: skip
    config = build(TrainConfig, keys)
    model = build_model(config, ModelSource(model_config(), Path("-"), None), world)
    step = TrainStep(model, Optimiser(model, config.optimiser), config, world, print)
    valid = int(np.count_nonzero(batch.labels != IGNORE))

    def run() -> None:
        for _ in range(STEPS):
            result = step.step(batch, valid, 1e-4)
        result.read()

    return lambda: timed(run)


def bare_loop(batch: Packed, precision: str) -> Callable[[], Taken]:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(model_config(), attn_implementation="sdpa")
    compiled = torch.compile(model)
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    ids = torch.from_numpy(batch.ids).long()

    def run() -> None:
        for _ in range(STEPS):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss: Tensor = compiled(input_ids=ids, labels=ids, use_cache=False).loss
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adamw.step()
            adamw.zero_grad()

    return lambda: timed(run)


def trainer(batch: Packed, precision: str) -> Callable[[], Taken]:
    from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments

    class Clock(TrainerCallback):  # type: ignore[misc]
        """The time of the steps without what `train` does before and behind them."""

        def on_step_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            if state.global_step == 0:
                self.start = Taken(time.perf_counter(), time.process_time())

        def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            self.stop = Taken(time.perf_counter(), time.process_time())

    model, clock = AutoModelForCausalLM.from_config(model_config(), attn_implementation="sdpa"), Clock()
    rows = [{"input_ids": row, "labels": row} for row in torch.from_numpy(batch.ids).long()] * STEPS
    folder = tempfile.mkdtemp()

    def run() -> Taken:
        arguments = TrainingArguments(
            folder, per_device_train_batch_size=ROWS, max_steps=STEPS, learning_rate=1e-4, bf16=precision == "bf16",
            use_cpu=True, report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True,
            optim="adamw_torch_fused", dataloader_num_workers=0,
        )  # fmt: skip
        Trainer(model, arguments, train_dataset=rows, callbacks=[clock]).train()
        return Taken(clock.stop.wall - clock.start.wall, clock.stop.cpu - clock.start.cpu)

    return run


def compare(precision: str, rounds: int) -> Iterator[str]:
    batch = packed_rows(ROWS, LENGTH, VOCABULARY, DOCUMENT, seed=1)
    with join_world("cpu") as world:
        systems = {
            "ours, documents isolated": ours(world, batch, precision),
            **({"Hugging Face Trainer": trainer(batch, precision)} if find_spec("accelerate") else {}),
            "bare loop, compiled": bare_loop(batch, precision),
        }
        for system in systems.values():
            system()  # compiles
        taken = [{name: system() for name, system in systems.items()} for _ in range(rounds)]
    tokens, mine = ROWS * LENGTH * STEPS, next(iter(systems))
    yield f"training: 20M parameters, {precision}, {ROWS} x {LENGTH} tokens, {torch.get_num_threads()} threads"
    for name in systems:
        rate, cpu_rate = (tokens / median(one[name][i] for one in taken) for i in (0, 1))
        wall, cpu = (median(one[name][i] / one[mine][i] for one in taken) for i in (0, 1))
        yield (
            f"  {name:<28}{rate:8,.0f} tokens/s{cpu_rate:8,.0f} per core-second; "
            f"ours is {wall:5.2f} x by the clock, {cpu:5.2f} x by processor time"
        )


def measure(_workspace: Path) -> Iterator[str]:
    """For `python -m tests.benchmarks`."""
    yield from compare("bf16", 3)


if __name__ == "__main__":
    for text in compare(
        sys.argv[1] if len(sys.argv) > 1 else "bf16", int(sys.argv[2]) if len(sys.argv) > 2 else 5
    ):
        print(text, flush=True)
