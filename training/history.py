"""Every stage that weights have been through, with its tokens per source: a list that travels along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.checkpoints.folders import is_checkpoint, read_state

HISTORY = "training_history.json"


def history_in(folder: Path | None) -> list[dict[str, Any]]:
    """The stages behind a model folder: an export or a checkpoint; a model from elsewhere has none."""
    if folder is None:
        return []
    if is_checkpoint(folder):
        return list(read_state(folder)["history"])
    past = folder / HISTORY
    return list(json.loads(past.read_text("utf-8"))) if past.is_file() else []
