"""Tiny shards, a tiny model, and ways to run the trainer in this process, in another one, and on several ranks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import manifest
from corpus.engine.config import build
from corpus.engine.manifest import Manifest, OutputFile, describe_file
from corpus.engine.overrides import with_overrides
from training.config import TrainConfig
from training.run import main
from training.run_log.speed import SPEED_KEYS

REPOSITORY = Path(__file__).resolve().parents[2]
VOCABULARY, EOS = 97, 0
Document = list[int]


def documents(count: int, seed: int, *, longest: int = 60) -> list[Document]:
    """Documents with a pattern that a model can learn, each ended by one separator and all different."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        start, step = int(rng.integers(1, VOCABULARY)), int(rng.integers(1, 6))
        body = [(start + step * i) % (VOCABULARY - 1) + 1 for i in range(int(rng.integers(3, longest)))]
        made.append([number % (VOCABULARY - 1) + 1, number // (VOCABULARY - 1) + 1, *body, EOS])
    return made


def write_source(folder: Path, docs: Sequence[Document], *, files: int = 1, group: int = 1 << 20) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        part = list(docs[number::files])
        table = pa.table(
            {
                "id": [f"{number}-{i}" for i in range(len(part))],
                "text": ["x" * len(ids) for ids in part],
                "num_tokens": pa.array([len(ids) for ids in part], pa.int32()),
                "input_ids": pa.array(part, pa.list_(pa.int32())),
            }
        )
        pq.write_table(table, folder / f"part-{number:05d}.parquet", row_group_size=group)


def write_shards(root: Path, weights: Mapping[str, float] | None = None) -> Path:
    """A finished shard stage with two sources and a held-out slice; returns the set's folder."""
    write_source(root / "stage1" / "agent", documents(200, 1), files=2, group=40)
    write_source(root / "stage1" / "code", documents(150, 2), group=64)
    write_source(root / "heldout" / "agent", documents(20, 3))
    sources = {name: {"weight": weight} for name, weight in (weights or {"agent": 1.0, "code": 2.0}).items()}
    tokenizer = {"path": "tokenizer", "vocab_size": VOCABULARY, "eos_token_id": EOS, "sha256": "0" * 64}
    finish_stage(root, {"sets": {"stage1": {"sources": sources}}, "tokenizer": tokenizer})
    return root / "stage1"


def finish_stage(root: Path, facts: Mapping[str, Any]) -> None:
    """Write what a shard stage leaves at its end: the manifest of the files that are there, and _SUCCESS."""
    tables: dict[str, list[OutputFile]] = {}
    for file in sorted(root.glob("*/*/*.parquet")):
        name = file.relative_to(root).as_posix()
        entry = describe_file(str(root), name, pq.read_metadata(file).num_rows)
        tables.setdefault(name.rpartition("/")[0], []).append(entry)
    manifest.write(str(root), Manifest("shard", "0" * 64, {}, [], {}, tables, facts=facts))


def facts_of(root: Path) -> dict[str, Any]:
    return dict(manifest.read(str(root)).facts)


def write_model(folder: Path, **changes: Any) -> Path:
    """A folder that holds config.json alone."""
    from transformers import LlamaConfig

    values: dict[str, Any] = {
        "vocab_size": VOCABULARY, "hidden_size": 36, "intermediate_size": 50, "num_hidden_layers": 2,
        "num_attention_heads": 3, "num_key_value_heads": 3, "max_position_embeddings": 128,
        "bos_token_id": None, "eos_token_id": EOS, "tie_word_embeddings": False, **changes,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    LlamaConfig(**values).save_pretrained(folder)
    return folder


def words(shards: Path, model: Path, output: Path, *more: str) -> list[str]:
    """The command line of a small run: 8 rows of 32 tokens, 12 steps."""
    fixed = ["rows=8", "length=32", "micro_rows=4", f"tokens={8 * 32 * 12}", "device=cpu"]
    fixed += ["optimiser.lr=0.01", "checkpoint.every=4", "heldout.rows=4"]
    fixed += [f"data={shards}", f"model={model}", f"output={output}"]
    given = {word.partition("=")[0] for word in more}
    return [*(word for word in fixed if word.partition("=")[0] not in given), *more]


def config_of(arguments: Sequence[str]) -> TrainConfig:
    return build(TrainConfig, with_overrides({}, arguments))


def train(arguments: Sequence[str]) -> list[dict[str, Any]]:
    """Run the trainer in this process and return the rows of its steps."""
    assert main(list(arguments)) == 0
    return steps_of(arguments)


def steps_of(arguments: Sequence[str]) -> list[dict[str, Any]]:
    output = next(word.partition("=")[2] for word in arguments if word.startswith("output="))
    return read_metrics(Path(output) / "metrics.jsonl")


def read_metrics(path: Path, event: str = "step") -> list[dict[str, Any]]:
    """The rows of one kind of a finished or running log."""
    rows = [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    return [row for row in rows if row.get("event") == event]


def launch(arguments: Sequence[str], *, ranks: int = 1) -> subprocess.Popen[str]:
    """Start the command that users type, on one or several real ranks."""
    program = [sys.executable]
    if ranks > 1:
        program += ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={ranks}"]
    program += [str(REPOSITORY / "training" / "run.py"), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        program, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def train_on(ranks: int, arguments: Sequence[str]) -> list[dict[str, Any]]:
    process = launch(arguments, ranks=ranks)
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    return steps_of(arguments)


def promised(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a resumed run must repeat bit by bit: all but the speed."""
    return [{key: value for key, value in row.items() if key not in SPEED_KEYS} for row in rows]
