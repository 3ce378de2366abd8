"""Matching on real pages and seeds: coarse then fine against encoding every page, and an index of a million seeds.

CPU time of one thread, the ways in turn on the same pages, so that other work on the machine changes little.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.match.coarse import static, student
from corpus.match.coarse.shortlist import Measured
from corpus.match.encoding.encoder import QUERY, Encoder, EncoderSettings, load_encoder
from corpus.match.encoding.names import packaged_model
from corpus.match.encoding.texts import chunks, shown
from corpus.match.index import approximate, exact
from corpus.match.index.balance import choose
from corpus.match.index.files import SeedIndex, read_index, write_index
from corpus.match.score.schema import SEED_ROWS
from tests.benchmarks.dedup_corpus import real_texts
from tests.benchmarks.filtering import SHARED

PAGES, TAUGHT, PER_SOURCE = 1500, 5000, 60
SHARES = (0.01, 0.03, 0.05, 0.1, 0.2)  # of the pages that the full encoder would select
WANTED_SPEED, WANTED_KEPT, BOUND = 8.0, 0.97, 0.03
MILLION = int(os.environ.get("BENCH_SEEDS", "1000000"))
MOST_BYTES = 2 << 30
TOKENS = 256


def measure(workspace: Path) -> Iterator[str]:
    if not SHARED.is_dir():
        yield f"matching: skipped, the real pages {SHARED} are not there"
        return
    encoder = load_encoder(EncoderSettings(backend="auto", max_tokens=TOKENS))
    texts = drawn_pages()
    sources, seeds = seed_vectors(encoder)
    yield (
        f"matching: {PAGES:,} real pages, {len(seeds):,} seeds of {len(set(sources))} sources, "
        f"MiniLM at {TOKENS} tokens on {encoder.backend}, one thread"
    )
    with tempfile.TemporaryDirectory(prefix="hephaestus-bench-") as name:
        folder = Path(name)
        write_seeds(folder / "small", seeds)
        yield from speed(encoder, texts, folder / "small")
        yield from scale(folder / "large", seeds)


def drawn_pages() -> list[str]:
    """PAGES to measure on and TAUGHT that the coarse pass learns from, in the order of a hash of their addresses."""
    found = [(url, text) for url, text in real_texts(SHARED / "web", 1 << 30) if chunks(text, TOKENS, 1)]
    found.sort(key=lambda page: hashlib.sha256(page[0].encode()).digest())
    return [shown(text, chunks(text, TOKENS, 1)[0]) for _, text in found[: PAGES + TAUGHT]]


def seed_vectors(encoder: Encoder) -> tuple[list[str], np.ndarray]:
    """Real seeds, at most half as many again as are kept of a source, balanced as the job balances them."""
    texts: dict[str, list[str]] = {}
    with gzip.open(SHARED / "seeds" / "seeds_flat.jsonl.gz", "rt", encoding="utf-8") as lines:
        for item in map(json.loads, lines):
            of_source = texts.setdefault(item["origin"], [])
            if len(of_source) < PER_SOURCE * 3 // 2 and (found := chunks(item["text"], TOKENS, 1)):
                of_source.append(shown(item["text"], found[0]))
    sources, vectors = [], []
    for source, of_source in sorted(texts.items()):
        encoded = encoder.encode(of_source, QUERY)
        _, _, weights = choose(encoded, np.ones(len(encoded), np.int64), PER_SOURCE, 0.98)
        vectors.append(encoded[weights > 0])
        sources += [source] * len(vectors[-1])
    return sources, np.concatenate(vectors)


def write_seeds(folder: Path, vectors: np.ndarray, search: str = "auto") -> None:
    def parts() -> Iterator[tuple[pa.Table, Any]]:
        for start in range(0, len(vectors), 8192):
            half = np.asarray(vectors[start : start + 8192], np.float16)
            rows = range(start, start + len(half))
            columns = [list(rows), [f"{row:08}" for row in rows], *([[""] * len(half)] * 3), [1] * len(half)]
            arrays = [pa.array(column, kind.type) for column, kind in zip(columns, SEED_ROWS)]
            yield pa.Table.from_arrays(arrays, schema=SEED_ROWS), half

    write_index(str(folder), parts(), count=len(vectors), width=vectors.shape[1], search=search)


def speed(encoder: Encoder, texts: list[str], folder: Path) -> Iterator[str]:
    index = read_index(str(folder))
    pages, taught = texts[:PAGES], texts[PAGES:]
    model = static.load_static(static.distilled(encoder), TOKENS)
    began = time.process_time()
    known = encoder.encode(taught)
    learned, without = student.teach(model.encode(taught), known)
    sample = Measured(_best(index, known), _best(index, without))
    teaching = time.process_time() - began
    ways: dict[str, Callable[[list[str]], np.ndarray]] = {
        "plain": plain_encoder(),
        "fine": encoder.encode,
        "coarse": lambda part: learned.vectors(model.encode(part)),
    }
    best = {way: np.zeros(PAGES, np.float32) for way in ways}
    taken = dict.fromkeys(ways, 0.0)
    for start in range(0, PAGES, 250):  # in turn, so that what else the machine does meets all alike
        for way, vectors_of in ways.items():
            began = time.process_time()
            best[way][start : start + 250] = _best(index, vectors_of(pages[start : start + 250]))
            taken[way] += time.process_time() - began
    rate = {way: PAGES / seconds for way, seconds in taken.items()}
    yield f"  every page by plain sentence-transformers {rate['plain']:10.1f} pages/s"
    yield f"  every page by this back end               {rate['fine']:10.1f} pages/s"
    yield f"  the coarse pass alone                     {rate['coarse']:10.1f} pages/s"
    yield f"  teaching it by {TAUGHT:,} pages, once a run   {teaching:10.1f} s"
    yield (
        f"  correlation with the full encoder: coarse {np.corrcoef(best['coarse'], best['plain'])[0, 1]:.3f}, "
        f"this back end {np.corrcoef(best['fine'], best['plain'])[0, 1]:.5f}"
    )
    for share in SHARES:
        least = float(np.quantile(best["plain"], 1 - share))
        shortlisted = best["coarse"] >= sample.thresholds(sample.selected(share), BOUND)[0]
        selected, found = best["plain"] >= least, shortlisted & (best["fine"] >= least)
        kept = (found & selected).sum() / selected.sum()
        cost = taken["coarse"] + taken["fine"] * shortlisted.mean()
        good = PAGES / cost >= WANTED_SPEED * rate["plain"] and kept >= WANTED_KEPT
        yield (
            f"  {share:4.0%} selected: {shortlisted.mean():5.1%} shortlisted, {kept:6.1%} of the selected found, "
            f"{PAGES / cost:7.1f} pages/s = {PAGES / cost / rate['plain']:4.1f} x "
            f"(to reach: {WANTED_SPEED:g} x, {WANTED_KEPT:.0%}{'' if good else '; not reached'})"
        )


def _best(index: SeedIndex, vectors: np.ndarray) -> np.ndarray:
    return index.nearest(vectors, 10)[1][:, 0]


def plain_encoder() -> Callable[[list[str]], np.ndarray]:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(packaged_model(), device="cpu", local_files_only=True)
    model.max_seq_length = TOKENS
    return lambda part: model.encode(part, normalize_embeddings=True, show_progress_bar=False)


def scale(folder: Path, seeds: np.ndarray) -> Iterator[str]:
    """Seeds made of real ones with noise: as many, in neighbourhoods as dense, as a large collection has."""
    rng = np.random.default_rng(7)
    count, width = MILLION, seeds.shape[1]
    with tempfile.TemporaryDirectory(prefix="hephaestus-bench-") as name:
        many = np.lib.format.open_memmap(f"{name}/v.npy", "w+", np.float16, (count, width))
        for start in range(0, count, 65_536):
            centres = seeds[rng.integers(0, len(seeds), min(65_536, count - start))]
            made = centres + rng.normal(scale=0.8 / np.sqrt(width), size=centres.shape)
            many[start : start + len(made)] = made / np.linalg.norm(made, axis=1, keepdims=True)
        began = time.process_time()
        write_seeds(folder, many, "approximate")
        built = time.process_time() - began
        queries = seeds[::7] + rng.normal(scale=0.8 / np.sqrt(width), size=seeds[::7].shape)
        queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
        truth, _ = exact.nearest(many, queries, 10)
        index = read_index(str(folder))
        began = time.process_time()
        found, _ = index.nearest(queries, 10)
        taken = time.process_time() - began
    recall = approximate.recall_of(found, truth)
    size = sum(path.stat().st_size for path in (folder / "index").iterdir())
    assert index.search is not None
    yield (
        f"  {count:,} seeds: built in {built:,.0f} s, {size / 1e6:,.0f} MB, {index.search.probes} lists probed, "
        f"{index.search.candidates} candidates, {len(queries) / taken:,.0f} pages/s"
    )
    yield f"    recall@10 against exact neighbours {recall:.4f} (to reach: {approximate.WANTED_RECALL})"
    yield f"    {peak(folder)}"


_PROCESS = """
import json
import sys
from corpus.match.encoding.encoder import EncoderSettings, load_encoder
from corpus.match.index.files import read_index
encoder, index = load_encoder(EncoderSettings(backend="auto")), read_index(sys.argv[1])
for start in range(0, 640, 64):
    index.nearest(encoder.encode([f"GET /v{n}/items lists the items of page {n * n}" for n in range(start, start + 64)]), 10)
print(json.dumps([line.strip() for line in open("/proc/self/status") if line.startswith(("VmHWM", "RssAnon", "RssFile"))]))
"""


def peak(folder: Path) -> str:
    """Memory of a process that does what a task does: encoder and index open, pages scored."""
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS, str(folder)], capture_output=True, text=True, check=True, timeout=600
    )
    lines = dict(line.split(":", 1) for line in json.loads(done.stdout))
    kib = {name: int(value.split()[0]) for name, value in lines.items()}
    return (
        f"a process with encoder and index: peak {kib['VmHWM'] / 1024:,.0f} MiB resident, of it at the end "
        f"{kib['RssAnon'] / 1024:,.0f} MiB its own, {kib['RssFile'] / 1024:,.0f} MiB mapped files "
        f"(to reach: below {MOST_BYTES >> 20:,})"
    )


if __name__ == "__main__":
    for line in measure(Path("demo")):
        print(line, flush=True)
