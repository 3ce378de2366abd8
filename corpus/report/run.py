"""Make the report: numbers from the workspace, then one page, one JSON file and one CSV file per table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpus.engine import storage
from corpus.report import page
from corpus.report.config import ReportConfig
from corpus.report.markup import visible
from corpus.report.measure.numbers import collect
from corpus.report.workspace import Workspace, open_workspace

LARGEST_PAGE = 5_000_000  # bytes


@dataclass(frozen=True)
class Report:
    """Where the page is, and what its reader is warned of."""

    path: str
    notices: Sequence[dict[str, str]]

    def __str__(self) -> str:
        lines = [f"  {notice['level']}: {visible(notice['text'])}" for notice in self.notices]
        return "\n".join([f"report: {self.path}", *lines])


def run(config: ReportConfig) -> Report:
    """Write index.html, stats.json and tables/. Equal workspaces give equal bytes.

    Raises UserError where there is no workspace or nothing finished in it.
    """
    stats = finite(collect(open_workspace(config.workspace), config))
    parts = page.sections(stats)
    folder = config.folder
    storage.remove(storage.join(folder, "tables"))  # a table that is no longer made must not stay
    for name, content in page.csv_files(parts).items():
        storage.write_bytes(storage.join(folder, "tables", name), content)
    text = json.dumps(stats, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
    storage.write_bytes(storage.join(folder, "stats.json"), text.encode("utf-8", "backslashreplace"))
    html = page.render(stats, parts).encode("utf-8", "backslashreplace")
    if len(html) > LARGEST_PAGE:
        raise RuntimeError(
            f"the page has {len(html):,} bytes, more than {LARGEST_PAGE:,}: some table has no limit"
        )
    path = storage.join(folder, "index.html")
    storage.write_bytes(path, html)
    return Report(path, stats["notices"])


def plan(config: ReportConfig) -> str:
    """What would be read and written."""
    space: Workspace = open_workspace(config.workspace)
    found = "\n".join(f"  {name}: {state}" for name, state in space.states.items())
    written = f"would write index.html, stats.json and tables/ to {config.folder}"
    return f"report of {space.folder}\n{found}\n{written}"


def finite(value: Any) -> Any:
    """Plain JSON data: numbers that are not finite become null, keys become strings."""
    if isinstance(value, dict):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
