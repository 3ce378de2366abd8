"""The evaluation as one command runs it: read benchmarks, measure models one by one, write scores."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from corpus.engine.config import option, to_dict
from corpus.engine.errors import UserError
from corpus.engine.progress import Progress
from training.benchmark import bfcl
from training.benchmark.generate import complete
from training.benchmark.items import Item, by_template, plain, read_items
from training.benchmark.models import Subject, load_model, load_tokenizer, subjects
from training.benchmark.peer_scores import HarnessConfig, LeaderboardConfig, harness, leaderboard
from training.benchmark.score import Score, per_byte, score

SCORES, TABLE = "scores.json", "scores.md"
NOT_RUN = "not run"
GROUPS = {"v2": bfcl.V2, "v3": bfcl.V3}  # the versions of the leaderboard that the paper reports


@dataclass(frozen=True, kw_only=True)
class BenchmarkConfig:
    """One benchmark."""

    path: str = option("JSONL of items, or the leaderboard's data folder or container")
    kind: str = option("layout of `path`", "items", choices=("items", "bfcl"))
    instruction: str | None = option(
        "bfcl: file with the system prompt, {functions} in it; by default the leaderboard's own where `path` "
        "lies in its package, else a short one",
        None,
    )
    limit: int = option("items per category, drawn by the hash of their id; 0 takes all", 0, least=0)


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What to measure, and on what."""

    model: tuple[str, ...] = option("Hugging Face folders, runs, or folders of such", volatile=True)
    output: str = option("folder of scores.json and scores.md", volatile=True)
    benchmarks: dict[str, BenchmarkConfig] = option("benchmarks by name: benchmarks.NAME.path=FILE", {})
    template: str = option(
        "plain labels who speaks; chat takes the tokenizer's chat template",
        "plain",
        choices=("plain", "chat"),
    )
    bos: bool = option("begin each text with the tokenizer's BOS", False)
    length: int | None = option("most tokens of one pass; null takes the model's positions", None, least=2)
    precision: str = option("number format of the model", "fp32", choices=("fp32", "bf16"))
    bfcl: LeaderboardConfig = option("scores of the function calling leaderboard by its own package")
    lm_eval: HarnessConfig = option("scores of lm-evaluation-harness by its library")
    device: str = option(
        "auto takes CUDA where there is one", "auto", choices=("auto", "cpu", "cuda"), volatile=True
    )


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
    asked = {**to_dict(config, with_volatile=False), "items": {n: _digest(of) for n, of in items.items()}}
    scores = _begun(output / SCORES, asked)
    with Progress("evaluating") as progress:
        for number, subject in enumerate(found):
            place, stamp = str(subject.folder.resolve()), _stamp(subject)
            if _is_missing(scores["models"].get(place), stamp, config):
                scores["models"][place] = {**measure(subject, items, config), "weights": stamp}
                _write(output / SCORES, json.dumps(scores, indent=1, allow_nan=False) + "\n")
            progress.update(number + 1, len(found), subject.name)
    _write(output / TABLE, table(scores["models"].values()))
    return f"{table(scores['models'].values())}\n{output / SCORES}"


def _stamp(subject: Subject) -> list[list[Any]]:
    """Name, size and time of the weights: a model that was replaced in its place is another one."""
    files = sorted(subject.folder.glob("*.safetensors"))
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _is_missing(row: Mapping[str, Any] | None, stamp: list[list[Any]], config: EvaluateConfig) -> bool:
    """Whether a model was not measured yet, or not by a package that now has an interpreter."""
    if row is None or row.get("weights") != stamp:
        return True
    asked = {"bfcl": config.bfcl.python, "lm_eval": config.lm_eval.python if row["step"] is None else None}
    return any(python and row["scores"][name] == NOT_RUN for name, python in asked.items())


def measure(subject: Subject, items: Mapping[str, Sequence[Item]], config: EvaluateConfig) -> dict[str, Any]:
    """The row of one model: {name, step, benchmarks: {name: {group: {loss, stderr, items, ...}}}}."""
    device = config.device if config.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenizer = load_model(subject, device), load_tokenizer(subject)
    model.to(torch.bfloat16 if config.precision == "bf16" else torch.float32)
    if config.template == "chat" and not getattr(tokenizer, "chat_template", None):
        raise UserError(f"the tokenizer of {subject.folder} has no chat template; give template=plain.")
    rows: dict[str, Any] = {}
    for name, of in items.items():
        texts = [by_template(item, tokenizer) if config.template == "chat" else plain(item) for item in of]
        scored = score(texts, model, tokenizer, bos=config.bos, longest=config.length)
        rows[name] = _grouped(of, scored)
    scores = _scores(subject, model, tokenizer, config, device)
    return {"name": subject.name, "step": subject.step, "benchmarks": rows, "scores": scores}


def _scores(
    subject: Subject, model: Any, tokenizer: Any, config: EvaluateConfig, device: str
) -> dict[str, Any]:
    """Scores of the packages that have an interpreter; a checkpoint is no folder that lm-eval reads."""
    found: dict[str, Any] = {"bfcl": NOT_RUN, "lm_eval": NOT_RUN}
    if config.bfcl.python:

        def answer(conversations: Sequence[list[dict[str, str]]]) -> list[str]:
            most = config.bfcl.most_tokens
            return complete(conversations, model, tokenizer, template=config.template, most=most)

        found["bfcl"] = leaderboard(config.bfcl, answer)
    if config.lm_eval.python and subject.run is None:
        found["lm_eval"] = harness(config.lm_eval, subject.folder, device, config.precision)
    return found


def _grouped(items: Sequence[Item], scores: Sequence[Score]) -> dict[str, Any]:
    """Over all items, by category, and by version of the leaderboard where the categories are its own."""
    there = {item.category for item in items}
    groups: dict[str, set[str]] = {"all": there, **{name: {name} for name in sorted(there)}}
    if there <= set(bfcl.V3):
        groups.update({name: set(of) for name, of in GROUPS.items() if there & set(of)})
    return {
        name: _row([s for item, s in zip(items, scores) if item.category in of])
        for name, of in groups.items()
    }


def _row(scores: Sequence[Score]) -> dict[str, Any]:
    loss, error = per_byte(scores)
    numbers = {"loss": loss, "stderr": None if math.isnan(error) else error}
    return {
        **numbers,
        "items": len(scores),
        "tokens": sum(s.tokens for s in scores),
        "bytes": sum(s.size for s in scores),
    }


def table(rows: Any) -> str:
    """By model: loss in nats per byte of each benchmark with its standard error over items, then scores."""
    rows = list(rows)
    scores = sorted({(kind, name) for row in rows for kind, of in row["scores"].items() if of != NOT_RUN
                     for name in of})  # fmt: skip
    columns = sorted({(name, group) for row in rows for name in row["benchmarks"] for group in
                      row["benchmarks"][name] if group in ("all", *GROUPS)})  # fmt: skip
    head = ["model", *(name if group == "all" else f"{name} {group}" for name, group in columns)]
    head += [f"{kind} {name} (score)" for kind, name in scores]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = [row["benchmarks"].get(name, {}).get(group) for name, group in columns]
        reached = [_score(row["scores"][kind], name) for kind, name in scores]
        lines.append([row["name"], *(_cell(cell) for cell in cells), *reached])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return NOT_RUN
    return f"{row['loss']:.4f}" + (f" ± {row['stderr']:.4f}" if row["stderr"] is not None else "")


def _score(scores: Any, name: str) -> str:
    """The one number of a score that is shown; scores.json has all of them."""
    if scores == NOT_RUN or name not in scores:
        return NOT_RUN
    row = scores[name]
    key = next((key for key in ("accuracy", "acc", "exact_match", "bits_per_byte") if key in row), None)
    return f"{row[key]:.4f}" if key else NOT_RUN


def _subjects(config: EvaluateConfig) -> list[Subject]:
    if not config.model:
        raise UserError("no model: give model=FOLDER.")
    return [subject for path in config.model for subject in subjects(path)]


def items_of(config: EvaluateConfig) -> dict[str, list[Item]]:
    if not (config.benchmarks or config.bfcl.python or config.lm_eval.python):
        raise UserError("no benchmark: give benchmarks.NAME.path=FILE at least once.")
    found = {name: _drawn(_read(of), of.limit) for name, of in sorted(config.benchmarks.items())}
    for name, items in found.items():
        if not items:
            raise UserError(f"benchmarks.{name}.path={config.benchmarks[name].path} holds no item.")
    return found


def _read(config: BenchmarkConfig) -> list[Item]:
    if config.kind == "items":
        return list(read_items(config.path))
    text = Path(config.instruction).read_text(encoding="utf-8") if config.instruction else None
    return list(bfcl.read_bfcl(config.path, text))


def _drawn(items: list[Item], limit: int) -> list[Item]:
    """At most `limit` items of each category, in the order that they came in."""
    if not limit:
        return items
    chosen: set[int] = set()
    for category in {item.category for item in items}:
        places = [at for at, item in enumerate(items) if item.category == category]
        chosen.update(sorted(places, key=lambda at: hashlib.sha256(items[at].id.encode()).digest())[:limit])
    return [item for at, item in enumerate(items) if at in chosen]


def _digest(items: Sequence[Item]) -> str:
    sha256 = hashlib.sha256()
    for item in items:
        sha256.update(repr(item).encode())
    return sha256.hexdigest()


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
