"""Deduplication against datatrove and datasketch on 12,000 pages with planted duplicates; growth with size; projection.

    python -m tests.benchmarks.deduplication [compare [PAGES] | scale SMALL LARGE | index NEW SMALL LARGE]

The truth is brute force over exact Jaccard similarity of word 5-grams at 0.8. Seconds are processor seconds of all
processes of a tool, so that other work on the machine does not count; Spark's start-up is left aside. datatrove runs
under the interpreter that DATATROVE_PYTHON names and is left out where there is none.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.dedup.config import DedupConfig
from corpus.dedup.sample import lines as sample_lines
from corpus.dedup.stage import run
from corpus.engine.config import build
from corpus.engine.manifest import Manifest
from corpus.engine.session import get_session
from tests.benchmarks import cpu, dedup_rivals
from tests.benchmarks.dedup_corpus import Page, edited, made_texts, real_texts, vocabulary
from tests.benchmarks.dedup_corpus import build as build_pages
from tests.benchmarks.dedup_costs import Cost, Meter, heap_bytes, keep_all_stages, projection
from tests.benchmarks.dedup_truth import Truth, brute_force, named_survivors, score

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PAGES = 12_000
_ROW = "  {:<34} {}  {:>7}"
SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "url", "text", "payload_digest")]).append(
    pa.field("agent_score", pa.float32())
)


def measure(_workspace: Path) -> Iterator[str]:
    """What `make bench` prints: the comparison, and what it says of a whole crawl."""
    yield from compare(PAGES)


def compare(count: int) -> Iterator[str]:
    shared = SHARED if SHARED.is_dir() else None
    pages = build_pages(shared, count)
    texts, parts = [page["text"] for page in pages], [page["part"] for page in pages]
    truth = brute_force(texts)
    yield (
        f"deduplication: {count:,} pages ({'real pages' if shared else 'invented texts'} and planted duplicates), "
        f"{int((truth.jaccard >= 0.8).sum()):,} pairs at 0.8"
    )
    header = "doc prec  recall  false merges  chain  short  lost"
    yield _ROW.format("", header, "CPU s")
    with tempfile.TemporaryDirectory() as folder:
        source = write(pages, Path(folder) / "in")
        yield from ours(truth, pages, parts, source, Path(folder))
        before = cpu.seconds()
        kept = dedup_rivals.datasketch_first_wins(texts)
        spent = cpu.seconds() - before
        yield _ROW.format("datasketch LSH, first wins", score(truth, parts, kept).cells(), f"{spent:.1f}")
        yield from datatrove(truth, pages, parts, Path(source), Path(folder) / "datatrove")


def write(pages: Sequence[Page], folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([{k: page[k] for k in SCHEMA.names} for page in pages], schema=SCHEMA)
    pq.write_table(table, folder / "pages.parquet", row_group_size=2000)
    return str(folder / "pages.parquet")


def ours(
    truth: Truth, pages: Sequence[Page], parts: Sequence[str], source: str, folder: Path
) -> Iterator[str]:
    warm_up(folder)
    made, cost = dedup(source, folder / "out")
    at = {page["id"]: number for number, page in enumerate(pages)}
    kept_ids = set(pq.read_table(f"{made.folder}/pages", columns=["id"])["id"].to_pylist())
    rows = pq.read_table(f"{made.folder}/duplicates", columns=["id", "kept_id"]).to_pylist()
    named = named_survivors(truth, {at[row["id"]]: at[row["kept_id"]] for row in rows})
    cells = score(truth, parts, [page["id"] in kept_ids for page in pages]).cells()
    yield _ROW.format("this project", cells, f"{cost.seconds:.1f}")
    yield f"    removed pages near to the survivor that they name: {named:.4f}"
    yield from (
        f"    {line}" for line in [*sample_lines(dict(made.facts)), *projection(made, len(pages), cost)]
    )


def dedup(source: str, output: Path, **keys: Any) -> tuple[Manifest, Cost]:
    meter = Meter(get_session("bench", "local[2]"))
    made = run(build(DedupConfig, {"input": source, "output": str(output), **keys}))
    return made, meter.read()


def warm_up(folder: Path) -> None:
    """Spark, its Python workers and the compiled code of the JVM are there before the clock runs."""
    rng = random.Random(1)
    words = vocabulary(rng, 500)
    texts = [" ".join(rng.choices(words, k=60)) for _ in range(40)]
    pages = [
        {"id": str(n), "url": "", "text": text, "payload_digest": str(n), "agent_score": 0.5}
        for n, text in enumerate([*texts, *(edited(rng, text, 0.9, words) for text in texts)])
    ]
    dedup(write(pages, folder / "warm-in"), folder / "warm-out")


def datatrove(
    truth: Truth, pages: Sequence[Page], parts: Sequence[str], source: Path, folder: Path
) -> Iterator[str]:
    python = os.environ.get("DATATROVE_PYTHON", "")
    if not python:
        yield "  datatrove is left out: DATATROVE_PYTHON names no interpreter that has it"
        return
    folder.mkdir()
    before = cpu.seconds()
    command = [python, dedup_rivals.__file__, str(source), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    spent = cpu.seconds() - before
    if done.returncode:
        yield f"  datatrove failed: {done.stderr.strip().splitlines()[-1]}"
        return
    kept = set(json.loads((folder / "kept.json").read_text()))
    cells = score(truth, parts, [page["id"] in kept for page in pages]).cells()
    yield _ROW.format("datatrove 14x8, defaults", cells, f"{spent:.1f}")


def scale(sizes: Sequence[int]) -> Iterator[str]:
    """Cost for a page at two sizes of one kind of collection, with a driver, which is the executor, of 2 GiB."""
    os.environ.setdefault("PYSPARK_SUBMIT_ARGS", f"--driver-memory 2g {keep_all_stages()} pyspark-shell")
    base = real_texts(SHARED / "web", 3000) if SHARED.is_dir() else []
    rates = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name:
        folder = Path(name)
        warm_up(folder)
        heap = heap_bytes(get_session("bench", "local[2]"))
        yield f"growth with size, heap of the virtual machine limited to {heap / 2**30:.2f} GiB:"
        for size in sizes:
            source = crawl(base, size, folder / f"in-{size}")
            made, cost = dedup(source, folder / f"out-{size}")
            rates.append(cost.seconds / size)
            yield (
                f"  {size:>8,} pages: {cost.seconds:,.0f} CPU s, {made.seconds:,.0f} s on two cores, "
                f"{made.counts['kept']:,} kept, {made.facts['pairs_compared']:,} pairs compared, "
                f"{cost.spilled / 2**20:,.0f} MiB spilled, largest process {cpu.peak_bytes() / 2**30:.2f} GiB"
            )
            yield from (
                f"    {line}" for line in [*sample_lines(dict(made.facts)), *projection(made, size, cost)]
            )
    yield f"  growth of the cost for a page: {rates[-1] / rates[0]:.2f}"


def crawl(base: Sequence[tuple[str, str]], size: int, folder: Path, seed: int = 3) -> str:
    """A crawl of any size from real paragraphs: pages that mix those of two pages, and one in five an edit of another."""
    rng = random.Random(seed)
    words = vocabulary(rng, 20_000)
    real = [(u, [p for p in t.split("\n") if len(p) > 80]) for u, t in base or made_texts(rng, words, 3000)]
    real = [(url, found) for url, found in real if len(found) >= 4]
    folder.mkdir(parents=True)
    writer = pq.ParquetWriter(folder / "pages.parquet", SCHEMA)
    recent: list[str] = []
    rows: list[dict[str, Any]] = []
    for number in range(size):
        if recent and rng.random() < 0.2:
            text = edited(rng, rng.choice(recent), rng.uniform(0.6, 0.98), words)
        else:
            _, own = rng.choice(real)
            taken = rng.sample(own, k=min(len(own), rng.randint(2, 4)))
            fresh = [" ".join(rng.choices(words, k=rng.randint(40, 120))) for _ in range(rng.randint(2, 5))]
            text = "\n".join([*taken[:1], *fresh, *taken[1:]])
            recent = [*recent[-500:], text]
        rows.append(
            {
                "id": f"{number:08d}",
                "url": f"https://host{number % 5000}.example/{number}",
                "text": text,
                "payload_digest": None,
                "agent_score": rng.random(),
            }
        )
        if len(rows) == 5000 or number == size - 1:
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
            rows = []
    writer.close()
    return str(folder / "pages.parquet")


def adding(new: int, sizes: Sequence[int]) -> Iterator[str]:
    """What it costs to add a crawl of `new` pages to indexes of different sizes."""
    base = real_texts(SHARED / "web", 3000) if SHARED.is_dir() else []
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name:
        folder = Path(name)
        warm_up(folder)
        fresh = crawl(base, new, folder / "new", seed=4)
        _, alone = dedup(fresh, folder / "alone")
        yield f"  {new:,} new pages without an index: {alone.seconds:.1f} CPU s"
        for size in sizes:
            earlier, spent = dedup(crawl(base, size, folder / f"in-{size}"), folder / f"old-{size}")
            _, added = dedup(fresh, folder / f"added-{size}", index=earlier.folder)
            yield (
                f"  {new:,} new pages beside an index of {earlier.counts['kept']:,}: {added.seconds:.1f} CPU s, "
                f"{added.shuffled / 2**20:,.0f} MiB shuffled (making the index {spent.seconds:.1f} CPU s)"
            )


def main(words: Sequence[str]) -> int:
    kind, *numbers = words or ["compare"]
    sizes = [int(word) for word in numbers]
    kinds = {
        "compare": lambda: compare(*(sizes or [PAGES])),
        "scale": lambda: scale(sizes),
        "index": lambda: adding(sizes[0], sizes[1:]),
    }
    if kind not in kinds or (kind == "scale" and len(sizes) < 2) or (kind == "index" and len(sizes) < 2):
        print(__doc__, file=sys.stderr)
        return 2
    for line in kinds[kind]():
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
