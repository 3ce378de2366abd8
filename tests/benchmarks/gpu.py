"""Training on one CUDA device at the sizes that matter: MFU, tokens/s and memory, eager and compiled.

    make bench-gpu                                        # all settings
    python -m tests.benchmarks.gpu 8b-compiled 1b-eager   # some of them

Random weights and tokens, documents isolated, one rank, gradients over one micro-batch per step. Each setting runs
in a process of its own, so that none inherits memory or compiled code. It needs a CUDA build of torch with triton;
the 8B settings need 140 GB (H200), the 1B ones 80 GB.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch

WARM_UP, MEASURED = 4, 10  # steps; the first ones compile
DOCUMENT = 1500  # tokens of a document on average


@dataclass(frozen=True)
class Setting:
    """A model's shape, the length and number of its rows, and keys of the trainer."""

    model: dict[str, int]
    length: int
    rows: int
    keys: dict[str, Any] = field(default_factory=dict)
    isolated: bool = True


_LLAMA_8B = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256,
}  # fmt: skip
_LLAMA_1B = {
    "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256,
}  # fmt: skip
_COMPILED = {"compile": True}
_SMALL = {
    "optimiser": {"state": "bf16"}
}  # 8B: 30 GiB each of weights, gradients and moments; fp32 moments do not fit

SETTINGS = {
    "8b-eager": Setting(_LLAMA_8B, 8192, 1, _SMALL),
    "8b-compiled": Setting(_LLAMA_8B, 8192, 1, {**_SMALL, **_COMPILED}),
    "8b-compiled-8bit": Setting(_LLAMA_8B, 8192, 2, {**_COMPILED, "optimiser": {"state": "8bit"}}),
    "8b-compiled-one-document": Setting(_LLAMA_8B, 8192, 1, {**_SMALL, **_COMPILED}, isolated=False),
    "8b-compiled-flex": Setting(_LLAMA_8B, 8192, 1, {**_SMALL, **_COMPILED, "attention": "flex"}),
    "8b-compiled-float8": Setting(_LLAMA_8B, 8192, 1, {**_SMALL, **_COMPILED, "float8": True}),
    "1b-eager": Setting(_LLAMA_1B, 4096, 4),
    "1b-compiled": Setting(_LLAMA_1B, 4096, 4, _COMPILED),
    "1b-compiled-8-rows": Setting(_LLAMA_1B, 4096, 8, _COMPILED),
    "1b-compiled-float8": Setting(_LLAMA_1B, 4096, 4, {**_COMPILED, "float8": True}),
}


def run(name: str) -> str:
    """One setting, in this process; returns its line."""
    from transformers import LlamaConfig

    from corpus.engine.config import build
    from tests.benchmarks.training_speed import packed_rows
    from training.attention.layout import Layout
    from training.config import TrainConfig
    from training.data.arrays import IGNORE
    from training.flops import attended_flops_per_token, flops_per_token, peak_flops
    from training.model import ModelSource, build_model, count_parameters
    from training.optimiser import Optimiser
    from training.parallel import join_world
    from training.step import TrainStep

    setting = SETTINGS[name]
    shape = LlamaConfig(**setting.model, max_position_embeddings=setting.length, tie_word_embeddings=False)
    fixed = {"data": "-", "model": "-", "output": "-", "device": "cuda", "precision": "bf16"}
    sizes = {"rows": setting.rows, "micro_rows": setting.rows, "length": setting.length}
    config = build(TrainConfig, {**fixed, **sizes, **setting.keys})
    source = ModelSource(shape, Path("-"), None)
    mean = DOCUMENT if setting.isolated else 100 * setting.length
    batches = [
        packed_rows(setting.rows, setting.length, shape.vocab_size, mean, seed)
        for seed in range(WARM_UP + MEASURED)
    ]
    with join_world("cuda") as world:
        model = build_model(config, source, world, fill=False)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.to_local().normal_(0.0, 0.02) if parameter.ndim > 1 else parameter.to_local().fill_(
                    1.0
                )
        step = TrainStep(
            model, Optimiser(model, config.optimiser, compile=config.compile), config, world, print
        )
        seconds, losses = [], []
        for number, batch in enumerate(batches):
            torch.cuda.synchronize()
            start = time.perf_counter()
            result = step.step(batch, int((batch.labels != IGNORE).sum()), 1e-5)
            torch.cuda.synchronize()
            if number >= WARM_UP:
                seconds.append(time.perf_counter() - start)
                losses.append(result.loss)
        tokens, peak = setting.rows * setting.length, peak_flops(world.device)
        rate = tokens / median(seconds)
        parameters = count_parameters(source)
        attended = sum(Layout.of(batch.positions).attended for batch in batches[WARM_UP:]) / MEASURED / tokens
        full = flops_per_token(shape, parameters, setting.length)
        real = attended_flops_per_token(shape, parameters, attended)
        mfu = (
            f"MFU {rate * full / peak:6.1%}, {rate * real / peak:6.1%} by what is attended"
            if peak
            else "peak unknown"
        )
        return (
            f"{name:<26}{rate:9,.0f} tokens/s   {mfu}   {torch.cuda.max_memory_allocated() / 2**30:6.1f} GiB   "
            f"loss {float(losses[0]):.3f} to {float(losses[-1]):.3f}\n  counted beforehand: {model.built.plan}"
        )


def main(names: list[str]) -> int:
    if not torch.cuda.is_available():
        print("this benchmark needs a CUDA device, and this torch sees none.", file=sys.stderr)
        return 2
    unknown = [name for name in names if name not in SETTINGS]
    if unknown:
        print(f"no setting '{unknown[0]}'; there are {', '.join(SETTINGS)}.", file=sys.stderr)
        return 2
    device = torch.cuda.get_device_properties(0)
    print(
        f"{device.name}, {device.total_memory / 2**30:.0f} GiB, torch {torch.__version__}; MFU against the dense bf16 peak"
    )
    for name in names or SETTINGS:
        child = subprocess.run(
            [sys.executable, "-c", f"from tests.benchmarks.gpu import run; print(run({name!r}))"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        reason = (child.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(
            child.stdout.strip() if child.returncode == 0 else f"{name:<26}did not run: {reason}", flush=True
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
