"""What a run would read, ask and cost, told before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.labels.agreement import told
from corpus.labels.asking import cache_folder
from corpus.labels.config import LabelConfig, LabellerConfig
from corpus.labels.given import Given
from corpus.labels.rubric import Rubric

_ANSWER_TOKENS = 100  # of a verdict with its reason, about
_MILLION = 1_000_000


def describe(config: LabelConfig, given: Given) -> str:
    read = (
        f"{len(given.stages)} stages, {len(given.parquet):,} Parquet files, {len(given.archives):,} archives"
    )
    lines = [
        f"label: {read} -> {config.output}",
        f"files: {sum(map(len, given.file_votes.values())):,} votes of {len(given.file_votes)}; "
        f"rules: {len(given.rules)}; seeds: {config.seeds or 'none'}; order: {', '.join(config.order)}",
    ]
    pages = sum(config.sample.sizes().values())
    for name, labeller in config.labellers.items():
        lines.append(f"{name}: {_cost(pages, labeller, given.rubrics[name])}")
    if config.labellers:
        lines.append(f"answers are kept in {cache_folder(config)}")
    return "\n".join(lines)


def _cost(pages: int, labeller: LabellerConfig, rubric: Rubric) -> str:
    """An estimate from above: every page as long as it may be, nothing in the cache, no cap."""
    tokens_in = pages * (labeller.page_tokens + len(rubric.text) // 4 + 300)
    tokens_out = pages * min(labeller.max_tokens, _ANSWER_TOKENS)
    asked = (
        f"{labeller.model}, rubric {rubric.version}, at most {pages:,} pages, "
        f"{tokens_in / _MILLION:.2f} million tokens in and {tokens_out / _MILLION:.2f} million out"
    )
    if labeller.price_in is None or labeller.price_out is None:
        return asked
    money = (tokens_in * labeller.price_in + tokens_out * labeller.price_out) / _MILLION
    cap = "" if labeller.max_money is None else f", capped at {labeller.max_money:,.2f}"
    return f"{asked}, {money:,.2f} in the unit of the prices{cap}"


def summary(facts: Mapping[str, Any]) -> list[str]:
    """What a finished run has found out: labels by giver, money, conflicts, agreement."""
    lines = [
        f"  {giver}: " + ", ".join(f"{n:,} {label}" for label, n in sorted(labels.items()))
        for giver, labels in sorted(facts.get("labels", {}).items())
    ]
    for name, found in facts.get("labellers", {}).items():
        spent = ", ".join(f"{value:,} {what}" for what, value in found["spent"].items())
        answers = ", ".join(f"{n:,} {what}" for what, n in found["answers"].items())
        lines.append(f"  {name} ({found['model']}, {found['rubric']}): {answers}; spent: {spent}")
    for one in facts.get("conflicts", []):
        lines.append(
            f"  conflict on {one['pages']:,} pages: {one['counts']} counts, {one['against']} does not"
        )
    lines += [f"  {told(entry)}" for entry in facts.get("agreement", [])]
    return lines
