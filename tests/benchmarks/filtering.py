"""The filter's cascade against its floor, against full extraction of every page, and against datatrove.

All on one core, on a crawl with 3 % wanted pages on sites that the classifier never saw, start-up aside: each
way runs in a process of its own on a tenth of the crawl and on all of it, and the difference is what counts.
CPU time is compared, which other work on the machine changes least. DATATROVE_PYTHON names the interpreter
that has datatrove. Without the labelled pages in ../shared/data the demonstration's crawl takes their place.
"""

from __future__ import annotations

import gzip
import json
import math
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
from tests.benchmarks.mixed import Mixed, build, demonstration

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
FILES = (1, 2, 4, 8)
COPIES = 10  # of the crawl in one archive: about as many pages as an archive of Common Crawl holds
BOMB = 1_500 << 20  # bytes of one page's body, once it is inflated
_DATATROVE = Path(__file__).with_name("datatrove_run.py")


@dataclass(frozen=True)
class Run:
    """`cpu` and `wall` are seconds of the process and of all that it waited for."""

    cpu: float
    wall: float
    said: dict[str, Any]


def measure(workspace: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="hephaestus-bench-") as name:
        scratch = Path(name)
        kept = Path(os.environ.get("BENCH_CRAWL") or scratch / "mixed")  # making it takes a minute
        if SHARED.is_dir():
            mixed = build(SHARED, kept)
            yield f"filter: {mixed.pages:,} pages, 3 % wanted, one core, start-up aside"
        else:
            mixed = demonstration(workspace, scratch / "demonstration")
            yield f"filter: {mixed.pages:,} pages of the demonstration, one core, start-up aside"
        yield from _speed(mixed, scratch)
        yield from _recall(mixed, scratch)
        if SHARED.is_dir():  # the halves of the sites the other way round
            yield from _recall(build(SHARED, kept / "other", train_on=1), scratch)
        yield from _files(mixed, scratch)
        yield from _bomb(mixed, scratch)


def _speed(mixed: Mixed, scratch: Path) -> Iterator[str]:
    costs: dict[str, float] = {}
    ways = ["floor", "cascade", "datatrove"]
    if not os.environ.get("DATATROVE_PYTHON"):
        ways.remove("datatrove")
        yield "  datatrove: skipped, DATATROVE_PYTHON names no interpreter that has it"
    steps: list[dict[str, Any]] = []
    for way in ways:
        small, large = (_run(way, folder, mixed, scratch) for folder in (mixed.few, mixed.crawl))
        pages = mixed.pages - mixed.few_pages
        costs[way], wall = (large.cpu - small.cpu) / pages, (large.wall - small.wall) / pages
        yield (
            f"  {way:<12}{1 / costs[way]:>10,.1f} pages/s/core{1000 * costs[way]:>10.3f} ms CPU"
            f"{1000 * wall:>10.3f} ms wall"
        )
        steps = large.said.get("steps", steps)
    if "datatrove" in costs:
        yield f"  cascade over datatrove: {costs['datatrove'] / costs['cascade']:.1f} x (to reach: 12, goal 25)"
    yield f"  cascade over the floor: {costs['floor'] / costs['cascade']:.3f}"
    yield f"  {'step':<14}{'threshold':>10}{'pages in':>10}{'out':>10}{'ms a page in':>14}{'over all':>10}"
    for step in steps:
        threshold = "" if step["threshold"] is None else f"{step['threshold']:.3f}"
        yield (
            f"  {step['step']:<14}{threshold:>10}{step['pages_in']:>10,}{step['pages_out']:>10,}"
            f"{step['ms_per_page']:>14.3f}{1000 * step['seconds'] / mixed.pages:>10.3f}"
        )


def _recall(mixed: Mixed, scratch: Path) -> Iterator[str]:
    """Share of what full extraction of every page and the same classifier keep that the cascade keeps too."""
    ours, full = (
        set(_run(way, mixed.wanted, mixed, scratch).said["kept"]) for way in ("cascade", "everything")
    )
    low, high = _interval(len(ours & full), len(full))
    yield (
        f"  of {len(full):,} pages of unseen sites that full extraction keeps at {load(mixed.classifier).threshold:.3f}, "
        f"the cascade keeps {len(ours & full) / max(len(full), 1):.2%} (95 %: {low:.2%} to {high:.2%}; to reach: 99 %)"
    )


def _interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's interval, 95 %, of a share."""
    z, n = 1.96, max(of, 1)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def _files(mixed: Mixed, scratch: Path) -> Iterator[str]:
    """By wall time, since Spark's workers are nobody's children: only an idle machine tells it well."""
    crawl = next(Path(mixed.crawl).iterdir()).read_bytes() * COPIES  # gzip members may follow one another
    start = {way: _run(way, mixed.few, mixed, scratch).wall for way in ("spark", "cascade")}
    yield f"  the job on archives of {COPIES * mixed.pages:,} pages, its start-up of {start['spark']:.1f} s aside:"
    folder, walls, pages = scratch / "files", dict(start), 0
    folder.mkdir()
    for number in FILES:
        for copy in range(number):
            (folder / f"copy-{copy}.warc.gz").write_bytes(crawl)
        pages = number * COPIES * mixed.pages - mixed.few_pages
        walls["spark"] = _run("spark", str(folder), mixed, scratch).wall
        yield f"    {number} files: {pages / (walls['spark'] - start['spark']):,.1f} pages/s on one core"
    walls["cascade"] = _run("cascade", str(folder), mixed, scratch).wall
    spent = {way: walls[way] - start[way] for way in walls}
    yield (
        f"  job over the bare loop on {FILES[-1]} files: {spent['cascade'] / spent['spark']:.2f} "
        f"(to reach: 0.85; start-up is {start['spark'] / walls['spark']:.0%} of the job)"
    )


def _bomb(mixed: Mixed, scratch: Path) -> Iterator[str]:
    """The largest resident sets on the crawl with a page of 1.5 GB in it."""
    folder = scratch / "bomb"
    folder.mkdir()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    with gzip.open(folder / "bomb.warc.gz", "wb", compresslevel=1) as out:
        out.write(b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://example.org/\r\n")
        out.write(b"Content-Type: application/http; msgtype=response\r\n")
        out.write(b"Content-Length: %d\r\n\r\n" % (len(head) + BOMB) + head)
        for _ in range(BOMB >> 20):
            out.write(bytes(1 << 20))
        out.write(b"\r\n\r\n")
    shutil.copyfile(next(Path(mixed.crawl).iterdir()), folder / "crawl.warc.gz")
    memory = _run("cascade", str(folder), mixed, scratch).said["memory_mb"]
    yield f"  peak with a page of {BOMB >> 20:,} MiB: worker {memory['worker']:,} MiB, child {memory['child']:,} MiB"
    yield "    (to reach: under 1,536)"


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
