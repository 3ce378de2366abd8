"""scores.md: benchmark loss by model, and scores in the layout of the paper's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from training.benchmark import agentbench, bfcl
from training.benchmark.suite import GROUPS

NOT_RUN = "not run"
_SIMPLE = tuple(name for name in bfcl.SINGLE if name.startswith("simple_"))
_AST = ("multiple", "parallel", "parallel_multiple")
_TURNS = tuple(f"multi_turn_{name}" for name in bfcl.MULTI_TURN)
_KEYS = ("acc", "exact_match", "pass@1", "bits_per_byte", "word_perplexity")  # of lm-eval, the first there is

Row = Mapping[str, Any]


def tables(rows: Iterable[Row]) -> str:
    """Loss in nats per byte with its standard error over items, then scores; what was not run says so."""
    rows = list(rows)
    parts = ["Benchmark loss, nats per byte ± standard error over items", _losses(rows)]
    finished = [row for row in rows if row["step"] is None] or rows
    parts += ["Scores", _scores(finished)]
    return "\n\n".join(parts) + "\n\n" + _NOTE + "\n"


_NOTE = (
    "BFCL-v2: single-turn (AST) and live categories, BFCL-v3: multi-turn ones too; executable ones have\n"
    "left the leaderboard. NL-AST, L-AST and MT are averages as the leaderboard makes them, OA is the mean\n"
    "of those of its version. AgentBench OA is the plain mean of the tasks; its authors weigh them."
)


def _losses(rows: Sequence[Row]) -> str:
    columns = sorted({(name, group) for row in rows for name in row["benchmarks"]
                      for group in row["benchmarks"][name] if group in ("all", *GROUPS)})  # fmt: skip
    head = ["model", *(name if group == "all" else f"{name} {group}" for name, group in columns)]
    lines = [[row["name"], *(_loss(row["benchmarks"].get(name, {}).get(group)) for name, group in columns)]
             for row in rows]  # fmt: skip
    return markdown([head, *lines])


def _scores(rows: Sequence[Row]) -> str:
    tasks = sorted({name for row in rows if isinstance(row["scores"].get("lm_eval"), Mapping)
                    for name in row["scores"]["lm_eval"]})  # fmt: skip
    head = ["model", *(f"AgentBench {name}" for name in (*agentbench.COLUMNS, "OA"))]
    head += ["BFCL-v3 OA", "BFCL-v3 NL-AST", "BFCL-v3 L-AST", "BFCL-v3 MT", "BFCL-v2 OA"]
    head += [f"BFCL {name}" for name in (*bfcl.SINGLE, *bfcl.LIVE, *_TURNS)]
    head += tasks or ["general (lm-eval)"]
    lines = [[row["name"], *_agentbench(row), *_leaderboard(row), *_general(row, tasks)] for row in rows]
    # The paper has a row per model and a column per task; this many columns read better turned round.
    return markdown([list(column) for column in zip(head, *lines)])


def _agentbench(row: Row) -> list[str]:
    found = row["scores"].get("agentbench", NOT_RUN)
    values = {} if found == NOT_RUN else {name: of["score"] for name, of in found.items()}
    overall = mean(values.values()) if len(values) == len(agentbench.COLUMNS) else None
    return [_number(values.get(name)) for name in agentbench.COLUMNS] + [_number(overall)]


def _leaderboard(row: Row) -> list[str]:
    found = row["scores"].get("bfcl", NOT_RUN)
    rows: Mapping[str, Any] = {} if found == NOT_RUN else found
    by = {name: float(of["accuracy"]) for name, of in rows.items()}
    simple = _mean(by, _SIMPLE)
    ast = _mean({**by, "simple": simple}, ("simple", *_AST)) if simple is not None else None
    counts = {name: int(rows[name]["items"]) for name in bfcl.LIVE if name in rows}
    live = None
    if len(counts) == len(bfcl.LIVE):
        live = sum(by[name] * count for name, count in counts.items()) / sum(counts.values())
    turns = _mean(by, _TURNS)
    parts = {"ast": ast, "live": live, "turns": turns}
    whole = [_mean(parts, ("ast", "live", "turns")), ast, live, turns, _mean(parts, ("ast", "live"))]
    return [_number(value) for value in (*whole, *(by.get(n) for n in (*bfcl.SINGLE, *bfcl.LIVE, *_TURNS)))]


def _general(row: Row, tasks: Sequence[str]) -> list[str]:
    found = row["scores"].get("lm_eval", NOT_RUN)
    if not tasks or found == NOT_RUN:
        return [NOT_RUN] * max(1, len(tasks))
    return [_number(next((of[key] for key in _KEYS if key in of), None))
            for of in (found.get(task, {}) for task in tasks)]  # fmt: skip


def _mean(values: Mapping[str, float | None], names: Sequence[str]) -> float | None:
    """None unless all are there: an average over what was run would compare different things."""
    found = [value for name in names if (value := values.get(name)) is not None]
    return mean(found) if len(found) == len(names) else None


def _loss(row: Row | None) -> str:
    if row is None:
        return NOT_RUN
    return f"{row['loss']:.4f}" + (f" ± {row['stderr']:.4f}" if row["stderr"] is not None else "")


def _number(value: float | None) -> str:
    return NOT_RUN if value is None else f"{value:.4f}"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table, its first line as the head."""
    rows = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in rows)
