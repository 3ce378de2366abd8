"""The report: seconds and memory against tables that grow, and how fast its page opens in a browser.

    python -m tests.benchmarks.reporting WORKSPACE [TIMES ...]

TIMES (default 1 4 16) say how often each part of each table is listed, and with it each row counted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.report.chromium import CHROMIUM, browser

REPOSITORY = Path(__file__).resolve().parents[2]
TIMES = (1, 4, 16)
OPENINGS = 5
_LINK = {".parquet"}
# A process of its own: the peak of its resident memory is that of this report alone.
_CHILD = """
import resource, sys, time
started = time.perf_counter()
from corpus.engine.config import build
from corpus.report.config import ReportConfig
from corpus.report.run import run
loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run(build(ReportConfig, {"input": sys.argv[1], "output": sys.argv[2]}))
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss, loaded)
"""
_TIMES = """
(() => { const n = performance.getEntriesByType('navigation')[0];
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return [n.domContentLoadedEventEnd, n.loadEventEnd, paint ? paint.startTime : n.loadEventEnd]; })()
"""


def measure(workspace: Path, times: Sequence[int] = TIMES) -> Iterator[str]:
    yield f"report: {workspace.name}"
    with tempfile.TemporaryDirectory(dir=workspace.parent) as scratch:
        page = None
        for number in times:
            grown = Path(scratch) / f"{number}x"
            rows = grow(workspace, grown, number)
            seconds, cpu, peak, loaded = made(grown, grown / "report")
            page = page or grown / "report" / "index.html"
            size = (grown / "report" / "index.html").stat().st_size
            yield (
                f"  tables {number:>3} x, {rows:>12,} rows: {seconds:6.1f} s, {cpu:6.1f} s of CPU, peak "
                f"{peak / 1024:6.0f} MiB ({loaded / 1024:.0f} MiB of them programs), page {size / 1e6:.2f} MB"
            )
        yield from opening(page) if page and CHROMIUM else ["  page: no Chromium on this machine"]


def grow(workspace: Path, target: Path, times: int) -> int:
    """The workspace with each part of each table listed `times` times; returns the rows of all its tables."""
    rows = 0
    for marker in sorted(workspace.glob("*/_SUCCESS")):
        stage = marker.parent
        shutil.copytree(stage, target / stage.name, ignore=_parts, dirs_exist_ok=True)
        found = json.loads((stage / "manifest.json").read_bytes())
        for name, files in found["tables"].items():
            found["tables"][name] = [
                entry for file in files for entry in _repeated(stage, target / stage.name, file, times)
            ]
            rows += sum(entry["rows"] for entry in found["tables"][name])
        found["counts"] = _times(found["counts"], times)
        (target / stage.name / "manifest.json").write_text(json.dumps(found))
    if (workspace / "training").is_dir():
        for log in sorted((workspace / "training").glob("*/metrics.jsonl")):
            (target / "training" / log.parent.name).mkdir(parents=True)
            shutil.copy(log, target / "training" / log.parent.name)
    return rows


def made(workspace: Path, output: Path) -> tuple[float, ...]:
    """Seconds, CPU seconds, peak and first resident KiB of a process that makes the report."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", _CHILD, str(workspace), str(output)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return tuple(float(word) for word in done.stdout.split()[-4:])


def opening(page: Path) -> Iterator[str]:
    """By the browser's own clock, from the start of the navigation; the best and the worst of some openings."""
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as tab:
        tab.look()
        found = []
        for _ in range(OPENINGS):
            tab.open(page.as_uri())
            found.append(tab.value(_TIMES))
    for name, values in zip(("ready", "loaded", "first paint"), zip(*found)):
        yield f"  page opens, {name}: {min(values):.0f} to {max(values):.0f} ms in {len(values)} openings"


def _parts(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if Path(name).suffix in _LINK or name == "report"}


def _repeated(stage: Path, target: Path, file: dict[str, Any], times: int) -> Iterator[dict[str, Any]]:
    """The entries of a part under as many names; the bytes are linked, not copied."""
    path = Path(file["path"])
    for number in range(times if path.suffix in _LINK else 1):
        name = str(path.with_stem(f"{path.stem}-{number:03d}")) if path.suffix in _LINK else str(path)
        if path.suffix in _LINK:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(stage / path, target / name)
        yield {**file, "path": name}


def _times(value: Any, times: int) -> Any:
    if isinstance(value, dict):
        return {key: _times(inner, times) for key, inner in value.items()}
    if isinstance(value, list):
        return [_times(inner, times) for inner in value]
    return value * times if isinstance(value, int) else value


if __name__ == "__main__":
    given = sys.argv[1:]
    for line in measure(Path(given[0] if given else "demo"), [int(word) for word in given[1:]] or TIMES):
        print(line, flush=True)
