"""What rules compare with: what the run was asked for, and the numbers of an earlier run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.report.config import ReportConfig
from corpus.report.exports.write import STATS
from corpus.report.measure.numbers import collect
from corpus.report.plain import finite
from corpus.report.workspace import Workspace, open_workspace

_NEEDED = ("funnel", "seeds", "mixture")


def asked_languages(space: Workspace) -> Sequence[str]:
    """The languages that the filter was told to keep; none where it was told nothing."""
    found = space.stages["pages"].config.get("languages") if "pages" in space.stages else None
    return tuple(str(name) for name in found) if isinstance(found, list) else ()


def read_earlier(config: ReportConfig) -> dict[str, Any] | None:
    """The numbers of the run that `earlier` names; None where it names none.

    Raises UserError where there is neither a workspace nor the stats.json of a report.
    """
    path = config.earlier.rstrip("/")
    if not path:
        return None
    inside = storage.join(path, STATS)
    if path.endswith(".json") or (storage.is_folder(path) and storage.exists(inside)):
        return _from_file(path if path.endswith(".json") else inside)
    alone = replace(config, input=(path,), earlier="")
    return finite(collect(open_workspace(path), alone))  # type: ignore[no-any-return]


def _from_file(path: str) -> dict[str, Any]:
    name = storage.redact(path)
    try:
        found = json.loads(storage.read_bytes(path))
    except (OSError, ValueError) as error:
        raise UserError(
            f"earlier={name} cannot be read ({error}); give a workspace or its stats.json."
        ) from error
    if not isinstance(found, dict) or any(key not in found for key in _NEEDED):
        raise UserError(f"earlier={name} holds no numbers of a report; give a workspace or its stats.json.")
    return found
