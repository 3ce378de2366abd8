"""Verify against the speed of sha256: bytes per second of processor time, on finished stages made for it.

`sha256 alone` hashes the same files. `pages` are texts of 400 words, as most bytes of a corpus are; `ledger` is the
worst case: rows as the filter's ledger has them, hardly more than an id and an address, of which each is hashed
and compared. Both run in a process of their own, so that its memory can be told.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads

from corpus.engine import manifest
from corpus.engine.manifest import Manifest, OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.tables import LEDGER, UNIQUE_PAGES
from corpus.verify.config import VerifyConfig
from corpus.verify.run import verify
from tests.benchmarks import cpu

PAGES, LEDGER_ROWS = 100_000, 4_000_000
_BATCH = 20_000
_SEED = 1


def measure(workspace: Path) -> Iterator[str]:
    texts = pads.dataset(workspace / "unique" / "pages").to_table(columns=["text"])["text"].to_pylist()
    words = np.array(sorted({word for text in texts for word in text.split() if word.isalnum()}))
    yield "verify: MB of files per second of one core (processor time)"
    for name, make in (("pages", _pages), ("ledger", _ledger)):
        with tempfile.TemporaryDirectory() as scratch:
            folder = make(Path(scratch) / name, words)
            size = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e6
            command = [sys.executable, "-m", "tests.benchmarks.verifying", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            alone, spent, before, peak = (float(word) for word in done.stdout.split())
            yield (
                f"  {name:<8} {size:6,.0f} MB   verify {size / spent:6,.0f} MB/s   sha256 alone "
                f"{size / alone:6,.0f} MB/s   memory {peak:,.0f} MB, {before:,.0f} MB of it before"
            )


def main(folder: Path) -> None:
    """Prints seconds of hashing alone, seconds of verify, and MB of memory before and at the peak."""
    alone = _processor(lambda: _hash(folder))
    before = cpu.peak_bytes() / 1e6
    spent = _processor(lambda: _verified(folder))
    print(alone, spent, before, cpu.peak_bytes() / 1e6)


def _processor(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _hash(folder: Path) -> None:
    buffer = memoryview(bytearray(1 << 20))
    for path in sorted(folder.rglob("*.parquet")):
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as stream:
            while count := stream.readinto(buffer):
                digest.update(buffer[:count])


def _verified(folder: Path) -> None:
    problems = [
        problem
        for check in verify(str(folder), VerifyConfig(input=(str(folder),)))
        for problem in check.problems
    ]
    assert not problems, problems


def _pages(folder: Path, words: Any) -> Path:
    """A finished deduplication of pages; nothing was dropped."""
    rng = np.random.default_rng(_SEED)
    rows = _Rows(folder)
    for _ in range(PAGES // _BATCH):
        ids, urls = _ids(rng, _BATCH), _urls(rng, words, _BATCH)
        texts = [" ".join(row) for row in words[rng.integers(0, len(words), (_BATCH, 400))]]
        rows.add(UNIQUE_PAGES.name, UNIQUE_PAGES.schema, {"id": ids, "url": urls, "text": texts})
        rows.add(LEDGER.name, LEDGER.schema, {"id": ids, "url": urls})
    return rows.finish()


def _ledger(folder: Path, words: Any) -> Path:
    """A finished stage that kept one record in twenty."""
    rng = np.random.default_rng(_SEED)
    rows, count = _Rows(folder), 25 * _BATCH
    for _ in range(LEDGER_ROWS // count):
        ids, urls = _ids(rng, count), _urls(rng, words, count)
        kept = np.arange(count) % 20 == 0
        texts = [" ".join(row) for row in words[rng.integers(0, len(words), (int(kept.sum()), 40))]]
        page = {
            "id": ids.filter(pa.array(kept)),
            "url": [urls[n] for n in np.flatnonzero(kept)],
            "text": texts,
        }
        rows.add(UNIQUE_PAGES.name, UNIQUE_PAGES.schema, page)
        decided = {
            "outcome": np.where(kept, "kept", "dropped").tolist(),
            "reason": np.where(kept, "", "prefilter").tolist(),
            "agent_score": rng.random(count, np.float32),
            "warc": [f"archive-{n // 30_000:05d}.warc.gz" for n in range(count)],
            "offset": np.cumsum(rng.integers(2_000, 60_000, count)),
        }
        rows.add(LEDGER.name, LEDGER.schema, {"id": ids, "url": urls, **decided})
    return rows.finish()


def _urls(rng: np.random.Generator, words: Any, count: int) -> list[str]:
    return [
        f"https://{a}.example/{b}/{c}-{d}" for a, b, c, d in words[rng.integers(0, len(words), (count, 4))]
    ]


def _ids(rng: np.random.Generator, count: int) -> pa.Array:
    """Random ids of 32 hexadecimal digits."""
    digits = np.frombuffer(rng.bytes(16 * count).hex().encode(), np.uint8)
    offsets = pa.py_buffer(np.arange(0, 32 * (count + 1), 32, dtype=np.int32))
    return pa.StringArray.from_buffers(count, offsets, pa.py_buffer(digits))


class _Rows:
    """A stage folder in the making: one file per call and table."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables: dict[str, list[OutputFile]] = {}

    def add(self, table: str, schema: pa.Schema, columns: dict[str, Any]) -> None:
        count = len(columns["id"])
        plain = {"stage": "dedup", "outcome": "kept", "reason": ""}
        arrays = []
        for field in schema:
            value = columns.get(field.name, pa.repeat(pa.scalar(plain.get(field.name), field.type), count))
            arrays.append(value if isinstance(value, pa.Array) else pa.array(value, field.type))
        files = self.tables.setdefault(table, [])
        with PartWriter(str(self.folder / table), f"part-{len(files):05d}.parquet", schema) as writer:
            writer.write(
                pa.RecordBatch.from_arrays(
                    [array.cast(f.type) for array, f in zip(arrays, schema)], schema=schema
                )
            )
        assert writer.result is not None
        made = writer.result
        files.append(OutputFile(f"{table}/{made.path}", made.rows, made.bytes, made.sha256))

    def finish(self) -> Path:
        rows = sum(file.rows for file in self.tables[LEDGER.name])
        kept = sum(file.rows for file in self.tables[UNIQUE_PAGES.name])
        by_reason = [{"outcome": "kept", "reason": "", "rows": kept}]
        by_reason += (
            [{"outcome": "dropped", "reason": "prefilter", "rows": rows - kept}] if rows > kept else []
        )
        counts = {"records_in": rows, "kept": kept, "dropped": rows - kept, "failed": 0}
        versions = manifest.versions()
        made = Manifest(
            "dedup",
            manifest.fingerprint("dedup", {}, []),
            {},
            [],
            {**counts, "by_reason": by_reason},
            self.tables,
            versions=versions,
        )
        manifest.write(str(self.folder), made)
        return self.folder


if __name__ == "__main__":
    main(Path(sys.argv[1]))
