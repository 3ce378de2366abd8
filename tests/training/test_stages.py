"""The three stages in sequence, from what `jobs/shard.py` writes: on real data where it is there, else on Python's own."""

from __future__ import annotations

import ast
import gzip
import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from corpus.engine.config import build, load_yaml
from tests.training.support import REPOSITORY, launch, read_metrics
from training.config import TrainConfig
from training.heldout import open_heldout
from training.plan import make_plan

REAL = REPOSITORY.parent / "shared" / "data"
STDLIB = Path(sysconfig.get_paths()["stdlib"])


def python_files() -> Iterator[dict[str, Any]]:
    for path in sorted(STDLIB.glob("*.py")):
        yield {
            "url": f"file:///{path.name}",
            "text": path.read_text("utf-8", "replace")[:20_000],
        }


def docstrings() -> Iterator[dict[str, Any]]:
    for row in python_files():
        if text := ast.get_docstring(ast.parse(row["text"])) if len(row["text"]) < 20_000 else None:
            yield {**row, "url": row["url"] + "#doc", "text": text}


def real(file: str, count: int) -> Iterator[dict[str, Any]]:
    """Every so manieth row of a file of the shared data."""
    with gzip.open(REAL / file, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in islice(stream, 20 * count)]
    for number, row in enumerate(rows[:: max(len(rows) // count, 1)]):
        yield {
            "url": f"x://{row.get('origin', row['source'])}/{number}",
            "text": row["text"][:8_000],
        }


def conversations() -> Iterator[dict[str, Any]]:
    """Questions that a tool answers, in two turns of the assistant each."""
    cities = ["Oslo", "Lima", "Cairo", "Quito", "Seoul", "Paris", "Rome", "Accra"]
    tool = {"type": "function", "function": {"name": "time", "description": "Time in a city", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}}}}  # fmt: skip
    for number in range(160):
        city, hour = cities[number % 8], number % 24
        call = {"id": f"c{number}", "type": "function", "function": {
            "name": "time", "arguments": json.dumps({"city": city})}}  # fmt: skip
        yield {"messages": [
            {"role": "user", "content": f"What is the time in {city}? Request {number}."},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": f"{hour}:00"},
            {"role": "assistant", "content": f"It is {hour}:00 in {city}."},
        ], "tools": [tool]}  # fmt: skip


def write(path: Path, rows: Iterator[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with shards/ and one finished run per stage."""
    root = tmp_path_factory.mktemp("stages")
    agent = real("seeds/seeds_flat.jsonl.gz", 600) if REAL.is_dir() else docstrings()
    text = real("mix/text.jsonl.gz", 200) if REAL.is_dir() else docstrings()
    words = [
        f"input.agent={write(root / 'agent.jsonl', agent)}", f"input.code={write(root / 'code.jsonl', python_files())}",
        f"input.text={write(root / 'text.jsonl', text)}", f"input.seeds.path={root / 'agent.jsonl'}",
        "input.seeds.set=stage2", f"input.calls.path={write(root / 'calls.jsonl', conversations())}",
        "input.calls.set=sft", "input.calls.format=openai", "tokenizer=bpe:1024", "heldout_fraction=0.05",
        f"output={root / 'shards'}", "master=local[2]",
    ]  # fmt: skip
    shard = [sys.executable, str(REPOSITORY / "jobs" / "shard.py"), *words]
    done = subprocess.run(shard, cwd=root, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    gold = write(root / "gold.jsonl", ({"id": str(n), "messages": row["messages"]} for n, row in
                                       enumerate(islice(conversations(), 8))))  # fmt: skip
    model = REPOSITORY / "conf" / "training" / "models" / "tiny"
    for number, data in enumerate(("stage1", "stage2", "sft"), 1):
        recipe = REPOSITORY / "conf" / "training" / f"tiny-cpu-stage{number}.yaml"
        keys = [f"data={root / 'shards' / data}", f"model={model}", f"output={root / f'run{number}'}"]
        keys += [
            "tokens=80_000",
            "heldout.rows=12",
            f"benchmarks.data.calls.path={gold}",
            "benchmarks.every=40_000",
        ]
        process = launch(["--config", str(recipe), *keys])
        output, _ = process.communicate(timeout=400)
        assert process.returncode == 0, output
        model = root / f"run{number}" / "export"
    return root


def losses(root: Path, number: int, source: str) -> list[float]:
    rows = read_metrics(root / f"run{number}" / "metrics.jsonl", "eval")
    return [row["loss"] for row in rows if row["source"] == source]


@pytest.mark.slow
@pytest.mark.spark
def test_each_stage_lowers_the_held_out_loss_of_what_it_reads(stages: Path) -> None:
    for source in ("agent", "code", "text"):
        assert losses(stages, 1, source)[-1] < losses(stages, 1, source)[0] - 0.5
    assert losses(stages, 2, "seeds")[-1] < losses(stages, 2, "seeds")[0]
    assert losses(stages, 3, "calls")[-1] < losses(stages, 3, "calls")[0] - 0.5


@pytest.mark.slow
@pytest.mark.spark
def test_each_stage_begins_with_the_loss_with_which_the_one_before_ended(stages: Path) -> None:
    for number in (2, 3):
        for source in ("agent", "code", "seeds", "calls"):
            assert losses(stages, number, source)[0] == pytest.approx(
                losses(stages, number - 1, source)[-1], rel=1e-5
            )
    history = json.loads((stages / "run3" / "export" / "training_history.json").read_text())
    assert [sorted(stage["source_tokens"]) for stage in history] == [
        ["agent", "code", "text"],
        ["seeds"],
        ["calls"],
    ]


@pytest.mark.slow
@pytest.mark.spark
def test_tuning_counts_the_assistants_turns_alone(stages: Path) -> None:
    rows = read_metrics(stages / "run3" / "metrics.jsonl")
    assert all(0 < row["valid_tokens"] < 0.6 * 8 * 256 for row in rows)
    assert all(row["valid_tokens"] > 0.9 * 8 * 256 for row in read_metrics(stages / "run1" / "metrics.jsonl"))


@pytest.mark.slow
@pytest.mark.spark
def test_benchmark_loss_is_measured_at_the_start_the_end_and_between(stages: Path) -> None:
    rows = read_metrics(stages / "run3" / "metrics.jsonl", "benchmark")
    whole = [row for row in rows if row["category"] == "all"]
    assert [row["step"] for row in whole] == [0, 20, 40]
    assert whole[-1]["loss"] < whole[0]["loss"] and {row["benchmark"] for row in rows} == {"calls"}


@pytest.mark.slow
@pytest.mark.spark
def test_transformers_finds_the_held_out_loss_of_the_run_in_its_export(stages: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(stages / "run3" / "export").eval()
    tokenizer = AutoTokenizer.from_pretrained(stages / "run3" / "export")
    said = tokenizer.apply_chat_template([{"role": "user", "content": "Hello"}], tokenize=False)
    assert "user:" in said and "Hello" in said  # what the model was tuned on, for those who talk to it
    config = build(TrainConfig, load_yaml(str(stages / "run3" / "config.yaml")))
    plan = make_plan(config)
    for source in open_heldout(config, plan.tokenizer, plan.model.config.vocab_size):
        nats = 0.0
        for ids, positions, labels in zip(source.ids, source.positions, source.labels):
            starts = np.flatnonzero(positions == 0).tolist()
            for start, stop in zip(starts, [*starts[1:], len(ids)]):
                piece, wanted = (
                    torch.from_numpy(a[start:stop].astype(np.int64))[None] for a in (ids, labels)
                )
                with torch.no_grad():
                    logits = model(input_ids=piece).logits[0, :-1]
                nats += float(torch.nn.functional.cross_entropy(logits, wanted[0, 1:], reduction="sum"))
        row = [
            r for r in read_metrics(stages / "run3" / "metrics.jsonl", "eval") if r["source"] == source.name
        ][-1]
        assert row["loss"] == pytest.approx(nats / row["tokens"], rel=1e-4)
