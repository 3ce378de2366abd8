"""The packages of others score what our models say. They live in environments of their own; see docs/experiments.md.

BFCL_PYTHON and LM_EVAL_PYTHON name interpreters that have bfcl-eval and lm-eval.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from corpus.engine.errors import UserError
from training.benchmark.bfcl import read_bfcl
from training.benchmark.generate import complete, prompt_of
from training.benchmark.items import Segment
from training.benchmark.peer_scores import PEERS, HarnessConfig, LeaderboardConfig, harness, leaderboard
from training.benchmark.score import score

BFCL, LM_EVAL = os.environ.get("BFCL_PYTHON"), os.environ.get("LM_EVAL_PYTHON")
needs_bfcl = pytest.mark.skipif(not BFCL, reason="BFCL_PYTHON names no interpreter with bfcl-eval")
needs_lm_eval = pytest.mark.skipif(not LM_EVAL, reason="LM_EVAL_PYTHON names no interpreter with lm-eval")


@needs_bfcl
@pytest.mark.slow
def test_gold_answers_score_nearly_all_points_and_wrong_ones_none(shared_data: Path) -> None:
    path = str(shared_data / "benchmarks" / "benchmarks_flat.jsonl.gz")
    items = list(read_bfcl(path, categories=("simple_python", "multiple")))
    gold = {item.turns[1].text: item.turns[-1].text for item in items}
    config = LeaderboardConfig(python=BFCL, categories=("simple_python", "multiple"), limit=40)

    def right(conversations: Sequence[list[dict[str, str]]]) -> list[str]:
        return [gold[messages[-1]["content"]] for messages in conversations]

    found = leaderboard(config, right)
    assert {name: row["items"] for name, row in found.items()} == {"simple_python": 40, "multiple": 40}
    assert all(row["accuracy"] > 0.94 for row in found.values())
    wrong = leaderboard(config, lambda conversations: ["[nothing()]"] * len(conversations))
    assert all(row["accuracy"] == 0 for row in wrong.values())


@needs_bfcl
@pytest.mark.slow
def test_turns_go_through_the_leaderboards_own_environments() -> None:
    seen: list[list[dict[str, str]]] = []

    def answer(conversations: Sequence[list[dict[str, str]]]) -> list[str]:
        seen.extend([dict(message) for message in messages] for messages in conversations)
        return ["[pwd()]" if messages[-1]["role"] == "user" else "done" for messages in conversations]

    config = LeaderboardConfig(python=BFCL, categories=("multi_turn_base",), limit=2)
    found = leaderboard(config, answer)
    assert found["multi_turn_base"]["items"] == 2
    assert any("current_working_directory" in message["content"] for m in seen for message in m[2:])


@needs_lm_eval
@pytest.mark.slow
def test_loss_agrees_with_the_harness_on_the_same_texts(folder: Path, model: Any, tmp_path: Path) -> None:
    texts = [f"call number {n} gives {n * 7} and " * 9 for n in range(6)]
    (tmp_path / "texts.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    (tmp_path / "own.yaml").write_text(
        f"task: own\ndataset_path: json\ndataset_kwargs: {{data_files: {tmp_path}/texts.jsonl}}\n"
        "test_split: train\noutput_type: loglikelihood_rolling\ndoc_to_text: ''\ndoc_to_target: '{{text}}'\n"
        "metric_list: [{metric: bits_per_byte}]\n"
    )
    config = HarnessConfig(python=LM_EVAL, tasks=("own",), folder=str(tmp_path))
    theirs = harness(config, folder, "cpu", "fp32")["own"]["bits_per_byte"]
    ours = score([[Segment(text, True)] for text in texts], *model, bos=False)
    nats = sum(one.nats for one in ours) / sum(one.size for one in ours)
    assert nats / 0.6931471805599453 == pytest.approx(theirs, rel=1e-4)


def test_package_that_fails_is_quoted() -> None:
    with pytest.raises(UserError, match="No module named 'bfcl_eval'"):
        leaderboard(LeaderboardConfig(python="python3"), lambda conversations: [""] * len(conversations))


def test_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot start .*/none"):
        harness(HarnessConfig(python=str(tmp_path / "none"), tasks=("x",)), tmp_path, "cpu", "fp32")


def test_completions_do_not_depend_on_the_batch_and_end_at_the_next_turn(model: Any) -> None:
    asked = [[{"role": "user", "content": f"call {n} " * (1 + n)}] for n in range(5)]
    one_by_one = [complete([messages], *model, template="plain", most=12)[0] for messages in asked]
    assert complete(asked, *model, template="plain", most=12) == one_by_one
    assert prompt_of(asked[0], model[1], "plain") == "User: call 0 \nAssistant:"


def test_package_that_writes_what_is_no_request_ends_the_evaluation(tmp_path: Path) -> None:
    peer = tmp_path / "python"
    peer.write_text("#!/bin/sh\necho 'downloading 3 files'\nexec sleep 600\n")
    peer.chmod(0o755)
    with pytest.raises(UserError, match="wrote what is no request"):
        leaderboard(LeaderboardConfig(python=str(peer)), lambda conversations: [""] * len(conversations))


def test_what_a_package_prints_as_it_is_imported_is_no_request(tmp_path: Path) -> None:
    (tmp_path / "bfcl_eval").mkdir()
    (tmp_path / "bfcl_eval" / "__init__.py").write_text("print('welcome')\n")
    command = [sys.executable, str(PEERS / "bfcl_peer.py"), "subject", "1", "0", "scores.json"]
    ended = subprocess.run(
        command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.stdout == "" and "welcome" in ended.stderr
