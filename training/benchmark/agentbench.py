"""Scores of AgentBench from the folder that its own program writes: OUTPUTS/.../AGENT/TASK/overall.json.

AgentBench runs its tasks in containers with databases of their own and asks a server for what the model says.
So nothing here runs it; conf/evaluation/agentbench/ is its configuration for our models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.engine.config import option
from corpus.engine.errors import UserError

# Column of the paper -> (how its tasks' names begin, where overall.json has the main figure, its scale), as
# AgentBench's own analysis takes them.
_MAIN: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], float]] = {
    "OS": (("os", "operating"), ("custom", "overall", "acc"), 1.0),
    "DB": (("db", "database"), ("custom", "overall_cat_accuracy"), 1.0),
    "HH": (("alf",), ("custom", "overall", "success_rate"), 1.0),
    "KG": (("kg", "knowledge"), ("custom", "main"), 1.0),
    "WB": (("m2w", "mind2web"), ("custom", "step_sr"), 0.01),
    "WS": (("ws", "webshop"), ("custom", "reward"), 1.0),
}
COLUMNS = tuple(_MAIN)


@dataclass(frozen=True, kw_only=True)
class AgentBenchConfig:
    """AgentBench, run by its own program beforehand."""

    outputs: str | None = option(
        "its folder of outputs, where the agent bears the model's name; none: not run", None, volatile=True
    )


def read_scores(outputs: str, agent: str) -> dict[str, dict[str, float]] | None:
    """{column: {score}} of the newest result of each task; None where the agent has none.

    Raises UserError for an outputs folder that is not there, and for a result that lacks its main figure.
    """
    if not Path(outputs).is_dir():
        raise UserError(f"agentbench.outputs={outputs} is no folder; give that of AgentBench's outputs.")
    files = sorted(Path(outputs).rglob("overall.json"), key=lambda file: (file.stat().st_mtime_ns, str(file)))
    found: dict[str, dict[str, float]] = {}
    for file in files:  # later ones replace earlier ones
        task = file.parent.name.lower()
        column = next((name for name, (begins, _, _) in _MAIN.items() if task.startswith(begins)), None)
        if column and file.parent.parent.name == agent:
            found[column] = {"score": _figure(file, column)}
    return found or None


def _figure(file: Path, column: str) -> float:
    _, keys, scale = _MAIN[column]
    try:
        value: Any = json.loads(file.read_text("utf-8"))
        for key in keys:
            value = value[key]
        return float(value) * scale
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} has no {'.'.join(keys)}: it is no result of AgentBench's {column}."
        ) from error
