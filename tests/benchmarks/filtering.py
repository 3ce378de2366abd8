"""The filter's cascade against its floor, against full extraction of every page, and against datatrove.

All on one core, on a crawl with 3 % wanted pages on sites that the classifier never saw, start-up aside: each way runs
in a process of its own on a tenth of the crawl and on all of it, and the difference is what counts. CPU time is
compared, which other work on the machine changes least. DATATROVE_PYTHON names the interpreter that has datatrove.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.relevance.model import MODEL_FILE, load
from tests.benchmarks.mixed import Mixed, build

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
FILES = (1, 2, 4, 8)
_DATATROVE = Path(__file__).with_name("datatrove_run.py")


@dataclass(frozen=True)
class Run:
    """`cpu` and `wall` are seconds of the process and of all that it waited for."""

    cpu: float
    wall: float
    said: dict[str, Any]


def measure(workspace: Path) -> Iterator[str]:
    if not SHARED.is_dir():
        yield "filter: skipped, the labelled pages in ../shared/data are not there"
        return
    with tempfile.TemporaryDirectory(prefix="hephaestus-bench-") as scratch:
        mixed = build(SHARED, Path(os.environ.get("BENCH_CRAWL") or Path(scratch) / "mixed"))
        yield from _speed(mixed, Path(scratch))
        yield from _recall(mixed, Path(scratch))
        yield from _files(mixed, Path(scratch))


def _speed(mixed: Mixed, scratch: Path) -> Iterator[str]:
    yield f"filter: {mixed.pages:,} pages, 3 % wanted, one core, start-up aside"
    costs: dict[str, float] = {}
    ways = ["floor", "cascade", "trafilatura_first", "datatrove"]
    datatrove = os.environ.get("DATATROVE_PYTHON", "")
    if not datatrove:
        ways.remove("datatrove")
        yield "  datatrove: skipped, DATATROVE_PYTHON names no interpreter that has it"
    for way in ways:
        small, large = (_run(way, folder, mixed, scratch) for folder in (mixed.few, mixed.crawl))
        costs[way] = (large.cpu - small.cpu) / (mixed.pages - mixed.few_pages)
        wall = (large.wall - small.wall) / (mixed.pages - mixed.few_pages)
        memory = large.said.get("memory_mb")
        yield (
            f"  {way:<20} {1 / costs[way]:>9,.1f} pages/s/core   {1000 * costs[way]:>8.3f} ms CPU, {1000 * wall:.3f} ms wall"
            + (f"   peak {memory['worker']} + {memory['child']} MB" if memory else "")
        )
        if way == "cascade":
            steps = large.said["steps"]
    if "datatrove" in costs:
        yield f"  cascade over datatrove: {costs['datatrove'] / costs['cascade']:.1f} x   (to reach: 12, goal 25)"
    yield f"  cascade over trafilatura first: {costs['trafilatura_first'] / costs['cascade']:.1f} x"
    yield f"  cascade over the floor: {costs['floor'] / costs['cascade']:.3f}"
    yield "  step           threshold   pages in  pages out   ms a page in   share of all time"
    total = sum(step["seconds"] for step in steps)
    for step in steps:
        threshold = "" if step["threshold"] is None else f"{step['threshold']:.3f}"
        yield f"  {step['step']:<14} {threshold:>9} {step['pages_in']:>10,} {step['pages_out']:>10,} {step['ms_per_page']:>14.3f} {step['seconds'] / total:>19.1%}"


def _recall(mixed: Mixed, scratch: Path) -> Iterator[str]:
    """Share of what full extraction and the same classifier keep that the cascade keeps too."""
    for name, folder in (("the crawl", mixed.crawl), ("its sites' wanted pages", mixed.wanted)):
        ours = set(_run("cascade", folder, mixed, scratch).said["kept"])
        for reference in ("everything", "trafilatura_first"):
            full = set(_run(reference, folder, mixed, scratch).said["kept"])
            share = len(ours & full) / max(len(full), 1)
            yield f"  of {len(full):,} pages of {name} that {reference} keeps, the cascade keeps {share:.2%}"


def _files(mixed: Mixed, scratch: Path) -> Iterator[str]:
    """By wall time, since Spark's workers are nobody's children: only an idle machine tells it well."""
    source = next(Path(mixed.crawl).iterdir())
    start = {way: _run(way, mixed.few, mixed, scratch).wall for way in ("spark", "cascade")}
    yield f"  the job on copies of the crawl, its start-up of {start['spark']:.1f} s aside:"
    for number in FILES:
        folder = scratch / f"files-{number}"
        folder.mkdir()
        for copy in range(number):
            shutil.copyfile(source, folder / f"copy-{copy}.warc.gz")
        pages = number * mixed.pages - mixed.few_pages
        job = pages / (_run("spark", str(folder), mixed, scratch).wall - start["spark"])
        yield f"    {number} files: {job:,.1f} pages/s on one core"
    bare = pages / (_run("cascade", str(folder), mixed, scratch).wall - start["cascade"])
    yield f"  job over the bare loop on {FILES[-1]} files: {job / bare:.2f}   (to reach: 0.85)"


def _run(way: str, folder: str, mixed: Mixed, scratch: Path) -> Run:
    """One way over one folder, in a process that has one core."""
    out = Path(tempfile.mkdtemp(dir=scratch))
    if way == "datatrove":
        model = f"{mixed.classifier}/{MODEL_FILE}"
        words = [os.environ["DATATROVE_PYTHON"], str(_DATATROVE), folder, model]
        words += [str(load(mixed.classifier).threshold), str(out)]
    else:
        words = [
            sys.executable,
            "-m",
            "tests.benchmarks.filter_run",
            way,
            folder,
            mixed.classifier,
            f"{out}/out",
        ]
    core = min(os.sched_getaffinity(0))
    started = time.perf_counter()
    with open(out / "said", "w+") as said, open(out / "errors", "w+") as errors:
        process = subprocess.Popen(["taskset", "-c", str(core), *words], stdout=said, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        said.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{way} ended with {process.returncode}: {errors.read()[-2000:]}")
        last = said.read().strip().splitlines()[-1]
    return Run(used.ru_utime + used.ru_stime, wall, json.loads(last))
