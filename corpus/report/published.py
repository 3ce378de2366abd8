"""Sizes of published agent data, as the Hephaestus paper's table 1 states them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PUBLICATION = "Zhuang et al. 2025 (arXiv 2502.06589), table 1"
TUNING, PRETRAINING = "instruction tuning", "pre-training and tuning"

# name, instruction samples, APIs, whether it holds API documentation. Of the other capabilities that the
# table marks, only those of Hephaestus-Forge (all of them) are stated in sources that could be read.
_TUNING_SETS = (
    ("FireAct", 2_100, 10, "no"),
    ("ToolAlpaca", 4_000, 400, "no"),
    ("ToolBench", 12_700, 16_464, "no"),
    ("AgentTraj-L", 14_500, 24, "no"),
    ("Lumos", 20_000, 16, "no"),
    ("Agent-FLAN", 24_700, 20, "no"),
    ("AgentInstruct", 35_000, None, "no"),
    ("NexusRaven", None, 116, "no"),
    ("Gorilla", 16_000, 1_645, "yes"),
    ("OpenFunctions-v2", 65_000, None, "yes"),
    ("API Pack", 1_100_000, 11_213, "no"),
    ("AgentOhana", 42_600, None, "no"),
    ("APIGen", 60_000, 3_673, "no"),
)
_CAPABILITIES = {
    "api_docs": "tool_doc",
    "calls": "function_call",
    "trajectories": "trajectory",
    "code": "code",
}


def beside(name: str, tokens: int | None, apis: int, kinds: Mapping[str, int]) -> list[dict[str, Any]]:
    """Rows of the comparison: this corpus first. `kinds` counts its documents; a capability that none of its
    documents has is a no."""
    able = {key: "yes" if kinds.get(kind) else "no" for key, kind in _CAPABILITIES.items()}
    ours = {
        "name": f"{name} (this corpus)",
        "use": PRETRAINING,
        "tokens": tokens,
        "samples": None,
        "apis": apis,
        **able,
    }
    theirs = {
        "name": "Hephaestus-Forge (the paper's)",
        "use": PRETRAINING,
        "tokens": 103_000_000_000,
        "samples": 95_000,
    }
    theirs |= {"apis": 76_537, **dict.fromkeys(_CAPABILITIES, "yes")}
    others = [
        {
            "name": other,
            "use": TUNING,
            "tokens": None,
            "samples": samples,
            "apis": known,
            "api_docs": documents,
        }
        for other, samples, known, documents in _TUNING_SETS
    ]
    return [ours, theirs, *others]
