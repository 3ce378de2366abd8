"""One table in the paper's layout, which never passes off a part as the whole; and the curves of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.engine.errors import UserError
from training.benchmark import bfcl, curves
from training.benchmark.agentbench import COLUMNS, read_scores
from training.benchmark.table import NOT_RUN, tables

MULTI = tuple(f"multi_turn_{name}" for name in bfcl.MULTI_TURN)


def row(
    name: str, loss: float = 1.0, *, run: str | None = None, step: int | None = None, **scores: Any
) -> Any:
    group = {"loss": loss, "stderr": 0.01, "items": 4, "tokens": 9, "bytes": 30}
    given = {"agentbench": NOT_RUN, "bfcl": NOT_RUN, "lm_eval": NOT_RUN, **scores}
    tokens = None if step is None else 1000 * step
    what = {"name": name, "run": run, "step": step, "tokens": tokens, "scores": given}
    return {**what, "benchmarks": {"own": {"all": group, "c": group}}}


def cells(text: str, column: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {column} |"))
    return [cell.strip() for cell in line.strip("|").split("|")[1:]]


def accuracies(*names: str, value: float = 0.5, items: int = 10) -> dict[str, Any]:
    return {name: {"accuracy": value, "items": items} for name in names}


def test_what_was_not_run_is_marked_and_never_averaged() -> None:
    some = accuracies("multiple", "parallel")
    text = tables([row("a", bfcl=some), row("b")])
    assert cells(text, "BFCL multiple") == ["0.5000", NOT_RUN]
    for column in (
        "BFCL-v2 OA",
        "BFCL-v3 OA",
        "BFCL-v3 NL-AST",
        "BFCL-v3 MT",
        "AgentBench OA",
        "AgentBench OS",
    ):
        assert cells(text, column) == [NOT_RUN, NOT_RUN]
    assert cells(text, "general (lm-eval)") == [NOT_RUN, NOT_RUN]
    assert cells(text, "a") == ["1.0000 ± 0.0100"]


def test_averages_are_those_of_the_leaderboard() -> None:
    found = accuracies("simple_python", "simple_java", "simple_javascript", value=0.3)
    found |= accuracies("multiple", "parallel", "parallel_multiple", value=0.7)
    found |= accuracies("live_simple", value=1.0, items=30) | accuracies(*bfcl.LIVE[1:], value=0.0)
    found |= accuracies(*MULTI, value=0.1)
    text = tables([row("a", bfcl=found)])
    assert cells(text, "BFCL-v3 NL-AST") == ["0.6000"]  # simple counts once, not three times
    assert cells(text, "BFCL-v3 L-AST") == ["0.5000"]  # by items
    assert cells(text, "BFCL-v3 OA") == ["0.4000"] and cells(text, "BFCL-v2 OA") == ["0.5500"]


def results(folder: Path, agent: str, task: str, overall: Any) -> Path:
    (folder / agent / task).mkdir(parents=True)
    (folder / agent / task / "overall.json").write_text(json.dumps(overall))
    return folder


def test_results_of_agentbench_are_read_by_agent_and_task(tmp_path: Path) -> None:
    results(tmp_path / "t1", "mine", "os-std", {"custom": {"overall": {"acc": 0.25}}})
    results(tmp_path / "t1", "mine", "m2w-std", {"custom": {"step_sr": 12.0}})
    results(tmp_path / "t1", "other", "dbbench-std", {"custom": {"overall_cat_accuracy": 0.9}})
    found = read_scores(str(tmp_path), "mine")
    assert found == {"OS": {"score": 0.25}, "WB": {"score": pytest.approx(0.12)}}
    assert read_scores(str(tmp_path), "nobody") is None
    text = tables([row("mine", agentbench=found)])
    assert cells(text, "AgentBench OS") == ["0.2500"] and cells(text, "AgentBench OA") == [NOT_RUN]
    whole = {name: {"score": 0.5} for name in COLUMNS}
    assert cells(tables([row("mine", agentbench=whole)]), "AgentBench OA") == ["0.5000"]
    results(tmp_path / "t2", "mine", "webshop-std", {"custom": {}})
    with pytest.raises(UserError, match=r"has no custom\.reward"):
        read_scores(str(tmp_path), "mine")


def test_curves_have_a_line_per_checkpoint_and_one_for_each_base_model(tmp_path: Path) -> None:
    given = [row("one step 20", 0.8, run="one", step=20), row("one step 10", 0.9, run="one", step=10)]
    given += [row("one", 0.8), row("base", 1.1)]
    assert curves.is_curve(given) and not curves.is_curve(given[2:])
    lines = curves.table(given).splitlines()[2:]
    assert lines == [
        "| one | 10 | 10,000 | 0.9000 |",
        "| one | 20 | 20,000 | 0.8000 |",
        "| base |  |  | 1.1000 |",
    ]
    curves.draw(given, tmp_path / "a.svg")
    curves.draw(given, tmp_path / "b.svg")
    picture = (tmp_path / "a.svg").read_text()
    assert "benchmark loss (nats per byte)" in picture and ">base<" in picture
    assert (tmp_path / "b.svg").read_text() == picture
