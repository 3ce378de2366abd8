"""The evaluation as one command runs it: read benchmarks, measure models one by one, write scores."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from corpus.engine.config import to_dict
from corpus.engine.errors import UserError
from corpus.engine.progress import Progress
from training.benchmark import agentbench, curves
from training.benchmark.config import EvaluateConfig
from training.benchmark.encoding import Window, encode_all
from training.benchmark.generate import complete
from training.benchmark.items import Item
from training.benchmark.models import Subject, identity_of, load_model, load_tokenizer, subjects
from training.benchmark.peer_scores import harness, leaderboard
from training.benchmark.score import longest_of, score_windows
from training.benchmark.suite import digest, grouped, read_suite, texts_of
from training.benchmark.table import NOT_RUN, tables

SCORES, TABLE, CURVES, FIGURE = "scores.json", "scores.md", "curves.md", "curves.svg"


def plan(config: EvaluateConfig) -> str:
    found, items = _subjects(config), items_of(config)
    lines = [f"model      {subject.name}: {subject.folder}" for subject in found]
    lines += [f"benchmark  {name}: {len(of):,} items" for name, of in items.items()]
    return "\n".join([*lines, f"output     {config.output}"])


def evaluate(config: EvaluateConfig) -> str:
    """Measure every model that scores.json does not hold yet; returns the table."""
    found, items = _subjects(config), items_of(config)
    output = Path(config.output)
    output.mkdir(parents=True, exist_ok=True)
    asked = {**to_dict(config, with_volatile=False), "items": {n: digest(of) for n, of in items.items()}}
    scores = _begun(output / SCORES, asked)
    encoded = Encoded(items, config)
    with Progress("evaluating") as progress:
        for number, subject in enumerate(found):
            place, stamp = str(subject.folder.resolve()), _stamp(subject)
            if _is_missing(scores["models"].get(place), stamp, config):
                scores["models"][place] = {**measure(subject, items, config, encoded), "weights": stamp}
                _write(output / SCORES, json.dumps(scores, indent=1, allow_nan=False) + "\n")
            progress.update(number + 1, len(found), subject.name)
    rows = list(scores["models"].values())
    _write(output / TABLE, tables(rows))
    if curves.is_curve(rows):
        _write(output / CURVES, curves.table(rows))
        curves.draw(rows, output / FIGURE)
    return f"{tables(rows)}\n{output / SCORES}"


class Encoded:
    """Items as tokens, once for all models with the same tokenizer, template and length."""

    def __init__(self, items: Mapping[str, Sequence[Item]], config: EvaluateConfig) -> None:
        self._items, self._config = items, config
        self._kept: tuple[Any, dict[str, tuple[list[Window], list[int]]]] = (None, {})

    def of(self, tokenizer: Any, longest: int) -> dict[str, tuple[list[Window], list[int]]]:
        """The windows of each benchmark, and the counted bytes of its items."""
        key = (identity_of(tokenizer), longest)
        if self._kept[0] != key:
            template, bos = self._config.template, self._config.bos
            found = {name: encode_all(texts_of(of, tokenizer, template), tokenizer, bos=bos, longest=longest)
                     for name, of in self._items.items()}  # fmt: skip
            self._kept = (key, found)
        return self._kept[1]


def _stamp(subject: Subject) -> list[list[Any]]:
    """Name, size and time of the weights: a model that was replaced in its place is another one."""
    files = sorted(subject.folder.glob("*.safetensors"))
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _is_missing(row: Mapping[str, Any] | None, stamp: list[list[Any]], config: EvaluateConfig) -> bool:
    """Whether a model was not measured yet, or not by a package that now has an interpreter."""
    if row is None or row.get("weights") != stamp:
        return True
    asked = {"bfcl": config.bfcl.python, "lm_eval": config.lm_eval.python if row["step"] is None else None}
    if config.agentbench.outputs and _agentbench(row["name"], config) != row["scores"]["agentbench"]:
        return True
    return any(python and row["scores"][name] == NOT_RUN for name, python in asked.items())


def measure(
    subject: Subject, items: Mapping[str, Sequence[Item]], config: EvaluateConfig, encoded: Encoded
) -> dict[str, Any]:
    """The row of one model: {name, run, step, tokens, benchmarks: {name: {group: {loss, stderr, ...}}}}."""
    device = config.device if config.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenizer = load_model(subject, device), load_tokenizer(subject)
    model.to(torch.bfloat16 if config.precision == "bf16" else torch.float32)
    found = encoded.of(tokenizer, config.length or longest_of(model.config))
    rows = {name: grouped(items[name], score_windows(*pair, model)) for name, pair in found.items()}
    scores = _scores(subject, model, tokenizer, config, device)
    what = {"name": subject.name, "run": subject.run.name if subject.run else None, "step": subject.step}
    return {**what, "tokens": subject.tokens, "benchmarks": rows, "scores": scores}


def _scores(
    subject: Subject, model: Any, tokenizer: Any, config: EvaluateConfig, device: str
) -> dict[str, Any]:
    """Scores of the packages that have an interpreter; a checkpoint is no folder that lm-eval reads."""
    found: dict[str, Any] = {
        "agentbench": _agentbench(subject.name, config),
        "bfcl": NOT_RUN,
        "lm_eval": NOT_RUN,
    }
    if config.bfcl.python:

        def answer(conversations: Sequence[list[dict[str, str]]]) -> list[str]:
            most = config.bfcl.most_tokens
            return complete(conversations, model, tokenizer, template=config.template, most=most)

        found["bfcl"] = leaderboard(config.bfcl, answer)
    if config.lm_eval.python and subject.run is None:
        found["lm_eval"] = harness(config.lm_eval, subject.folder, device, config.precision)
    return found


def _agentbench(name: str, config: EvaluateConfig) -> Any:
    outputs = config.agentbench.outputs
    return (agentbench.read_scores(outputs, name) if outputs else None) or NOT_RUN


def _subjects(config: EvaluateConfig) -> list[Subject]:
    if not config.model:
        raise UserError("no model: give model=FOLDER.")
    return [subject for path in config.model for subject in subjects(path)]


def items_of(config: EvaluateConfig) -> dict[str, list[Item]]:
    if not (config.benchmarks or config.bfcl.python or config.lm_eval.python):
        raise UserError("no benchmark: give benchmarks.NAME.path=FILE at least once.")
    return read_suite(config.benchmarks)


def _begun(path: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """What an earlier call of the same evaluation has measured. Raises UserError for another one."""
    if not path.is_file():
        return {"evaluation": asked, "models": {}}
    scores: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if scores.get("evaluation") != json.loads(json.dumps(asked)):
        raise UserError(f"{path} holds scores of other items or settings; give another output.")
    return scores


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.tmp")
    fresh.write_text(text, "utf-8")
    os.replace(fresh, path)
