"""Benchmark loss over a folder of ten checkpoints against the model's bare forward pass over the same tokens.

The bare pass has the same batches as tensors ready to use, and computes the same logits; what evaluation adds is
reading checkpoints, tokenising, batching and summing. CPU time, both in turn.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.benchmarks import cpu
from training.benchmark.encoding import encode_all
from training.benchmark.items import plain, read_items
from training.benchmark.passes import arrays, batches
from training.evaluate import main

CHECKPOINTS, ITEMS = 10, 300


def measure(workspace: Path) -> Iterator[str]:
    export = workspace / "training" / "stage1" / "export"
    if not export.is_dir():
        yield f"checkpoints: skipped, {export} is not there"
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number in range(CHECKPOINTS):
            shutil.copytree(export, folder / "models" / f"m{number}")
        _write_items(folder / "items.jsonl", workspace)
        words = [f"model={folder / 'models'}", f"benchmarks.own.path={folder / 'items.jsonl'}", "device=cpu"]
        with contextlib.redirect_stdout(io.StringIO()):
            begun = cpu.seconds()
            code = main([*words, f"output={folder / 'scores'}"])
            spent = cpu.seconds() - begun
        bare, tokens = _bare(export, folder / "items.jsonl")
        assert code == 0
        yield (
            f"checkpoints: {CHECKPOINTS} x {tokens:,} tokens in {spent:.1f} s of CPU, bare forward "
            f"{CHECKPOINTS * bare:.1f} s: {CHECKPOINTS * bare / spent:.2f} of its speed"
        )


def _write_items(path: Path, workspace: Path) -> None:
    import pyarrow.parquet as pq

    texts = [text for file in sorted((workspace / "shards" / "stage1" / "agent").glob("*.parquet"))
             for text in pq.read_table(file, columns=["text"])["text"].to_pylist()]  # fmt: skip
    rows = [{"prompt": text[:600], "answer": text[600:800]} for text in texts if len(text) > 800][:ITEMS]
    path.write_text("\n".join(json.dumps(row) for row in rows))


def _bare(export: Path, items: Path) -> tuple[float, int]:
    """CPU seconds of one model's forward passes over the items, and its tokens without padding."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(export, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(export)
    longest = int(model.config.max_position_embeddings)
    windows, _ = encode_all(
        [plain(item) for item in read_items(str(items))], tokenizer, bos=False, longest=longest
    )
    ready = []
    for batch in batches(windows, int(model.config.vocab_size)):
        ids, _, counted = arrays(batch)
        at = torch.from_numpy(np.flatnonzero(counted.any(0)) - 1)
        ready.append((torch.from_numpy(ids).long()[:, :-1], at))
    begun = cpu.seconds()
    with torch.inference_mode():
        for ids, at in ready:
            model(input_ids=ids, use_cache=False, logits_to_keep=at)
    return cpu.seconds() - begun, sum(len(window.ids) for window in windows)
