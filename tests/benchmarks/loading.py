"""The trainer's loader, mixed and packed with its state, against reading and packing the same files plainly.

The shards are made here, uneven as crawls are: three sources in files of unlike sizes, documents from ten tokens to a
hundred thousand. All ways take turns in each round, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from training.data.loader import Loader
from training.data.shards import open_set
from training.data.tokens import Tokenizer

ROWS, LENGTH, ROUNDS = 96, 2048, 5
STEPS = 150
SOURCES = {"agent": (12_000_000, 7, 6.0), "code": (9_000_000, 5, 6.8), "text": (14_000_000, 9, 5.6)}
VOCABULARY, GROUP_TOKENS = 32_000, 1 << 18
TEXT_CHARACTERS, TEXT_STEPS, TEXT_ROWS = 24_000_000, 24, 32
PACE, PACED_STEPS = 2_000_000, 30  # tokens/s of a consumer, and how long it is fed

Way = Callable[[], int]


def measure(workspace: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "ids"
        _write_ids(folder)
        yield from _ids(folder)
        yield from _wait(folder)
        yield from _texts(workspace, Path(scratch) / "text")


def _ids(folder: Path) -> Iterator[str]:
    ways = {
        "pyarrow, row group by row group": lambda: _plain(folder, pack=False),
        "pyarrow and numpy: read, pack, positions": lambda: _plain(folder, pack=True),
        "pyarrow: one file through Python lists": lambda: _lists(folder),
        "loader, no thread beside": lambda: _loaded(folder, 0),
        "loader, 2 threads beside": lambda: _loaded(folder, 2),
    }
    yield f"loading input_ids: {ROUNDS} rounds, batches of {ROWS} x {LENGTH} tokens, one process"
    yield from _race(ways, "pyarrow and numpy: read, pack, positions")


def _wait(folder: Path) -> Iterator[str]:
    tokens, waited = ROWS * LENGTH, 0.0
    with _loader(folder, 1) as loader:
        loader.next()
        start, before = time.perf_counter(), loader.waited
        for _ in range(PACED_STEPS):
            loader.next()
            time.sleep(tokens / PACE)
        waited = (loader.waited - before) / (time.perf_counter() - start)
    yield f"  a step that takes {PACE:,} tokens/s waits {waited:.2%} of its time for data (1 thread beside)"


def _texts(workspace: Path, folder: Path) -> Iterator[str]:
    """From text, against the tokenizer's own batch over the same documents."""
    tokenizer = Tokenizer(str(workspace / "shards" / "tokenizer"), None, None, None)
    texts = _write_texts(workspace, folder)

    def own() -> int:
        fast = tokenizer.encoder.tokenizer
        batches = (texts[start : start + 1000] for start in range(0, len(texts), 1000))
        return sum(
            len(e) for batch in batches for e in fast.encode_batch_fast(batch, add_special_tokens=False)
        )

    def loaded(workers: int) -> int:
        shards = open_set(str(folder))
        with Loader(shards, tokenizer, rows=TEXT_ROWS, length=LENGTH, seed=1, workers=workers) as loader:
            for _ in range(TEXT_STEPS):
                loader.next()
        return TEXT_STEPS * TEXT_ROWS * LENGTH

    ways = {
        "the tokenizer's own batch (encode_batch_fast)": own,
        "loader, no thread beside": lambda: loaded(0),
        "loader, 2 threads beside": lambda: loaded(2),
    }
    yield f"loading text: {len(texts):,} documents, {ROUNDS} rounds"
    yield from _race(ways, "the tokenizer's own batch (encode_batch_fast)")


def _race(ways: dict[str, Way], against: str) -> Iterator[str]:
    """Tokens per second of each way, on the clock and of the processor; medians, and best rounds on the clock."""
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(ROUNDS + 1):
        for name, way in ways.items():
            start, used = time.perf_counter(), time.process_time()
            tokens = way()
            if round_:  # the first one warms up
                wall[name].append(tokens / (time.perf_counter() - start))
                cpu[name].append(tokens / (time.process_time() - used))
    for name in ways:
        own, best, used = median(wall[name]), max(wall[name]), median(cpu[name])
        yield (
            f"  {name:<46} {own:>12,.0f} tokens/s (best {best:>11,.0f})   {own / median(wall[against]):5.2f} x"
            f"   {used:>12,.0f} per processor second   {used / median(cpu[against]):5.2f} x"
        )


def _loader(folder: Path, workers: int) -> Loader:
    shards, tokenizer = open_set(str(folder)), Tokenizer(None, VOCABULARY, 0, None)
    return Loader(shards, tokenizer, rows=ROWS, length=LENGTH, seed=1, vocabulary=VOCABULARY, workers=workers)


def _loaded(folder: Path, workers: int) -> int:
    with _loader(folder, workers) as loader:
        for _ in range(STEPS):
            loader.next()
    return STEPS * ROWS * LENGTH


def _plain(folder: Path, *, pack: bool) -> int:
    tokens, rest = 0, np.zeros(0, np.int32)
    for path in sorted(folder.rglob("*.parquet")):
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            column: Any = file.read_row_group(group, columns=["input_ids"], use_threads=False)[
                "input_ids"
            ].chunk(0)
            values, offsets = column.values.to_numpy(), column.offsets.to_numpy()
            tokens += len(values)
            if pack:
                positions = np.arange(len(values), dtype=np.int32)
                positions -= np.repeat(offsets[:-1], np.diff(offsets))
                whole = np.concatenate([rest, values])
                rows = whole[: len(whole) // LENGTH * LENGTH].reshape(-1, LENGTH)
                rest = whole[rows.size :]
    return tokens


def _lists(folder: Path) -> int:
    path = min(folder.rglob("*.parquet"), key=lambda file: file.stat().st_size)
    return sum(map(len, pads.dataset(path).to_table(columns=["input_ids"])["input_ids"].to_pylist()))


def _write_ids(folder: Path) -> None:
    rng = np.random.default_rng(1)
    for name, (tokens, files, centre) in SOURCES.items():
        (folder / name).mkdir(parents=True)
        for number, share in enumerate(rng.dirichlet(np.full(files, 2.0))):
            count = int(tokens * share / np.exp(centre + 0.6)) + 1
            lengths = np.clip(rng.lognormal(centre, 1.1, count).astype(np.int64), 10, 100_000)
            offsets = np.concatenate([[0], np.cumsum(lengths)])
            values = 1 + np.minimum(rng.zipf(1.15, int(offsets[-1])), VOCABULARY - 2).astype(np.int32)
            values[offsets[1:] - 1] = 0
            ids = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values))
            table = pa.table({"num_tokens": lengths.astype(np.int32), "input_ids": ids})
            group = max(1, count * GROUP_TOKENS // int(offsets[-1]))
            path = folder / name / f"part-{number:05d}.parquet"
            pq.write_table(table, path, compression="zstd", row_group_size=group)


def _write_texts(workspace: Path, folder: Path) -> list[str]:
    """The workspace's mix, again and again with a number, as text alone."""
    found = pads.dataset(workspace / "shards" / "stage1").to_table(columns=["text"])["text"].to_pylist()
    texts: list[str] = []
    while sum(map(len, texts)) < TEXT_CHARACTERS:
        texts += [f"{text}\n{len(texts)}" for text in found]
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "mix").mkdir(parents=True)
    for number in range(4):
        path = folder / "mix" / f"part-{number:05d}.parquet"
        pq.write_table(pa.table({"text": texts[number::4]}), path, compression="zstd", row_group_size=400)
    return texts
