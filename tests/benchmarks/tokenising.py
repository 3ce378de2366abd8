"""Tokenising and writing of the shard stage: the Spark job against the tokenizer's own batch on the same cores."""

from __future__ import annotations

import os
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from corpus.engine.config import build
from corpus.engine.session import get_session, stop_session
from corpus.engine.stage import Stage
from corpus.engine.tables import INPUT_IDS, SHARDS
from corpus.shards.config import ShardConfig, SourceConfig
from corpus.shards.documents.stage import read
from corpus.shards.sources.read import open_feed
from corpus.shards.tokenising.stage import Encode, bounded_batches, tokenise
from corpus.shards.tokenizer import load
from corpus.shards.writing.stage import write_sets
from tests.benchmarks import cpu

CHARACTERS = 60_000_000
ROUNDS = 3
_SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tokenizers"


def measure(workspace: Path) -> Iterator[str]:
    tokenizers = [str(workspace / "shards" / "tokenizer")]
    tokenizers += [str(path.parent) for path in sorted(_SHARED.glob("*/tokenizer.json"))]
    texts = _texts(workspace)
    size = sum(len(text.encode()) for text in texts)
    yield f"tokenising: {len(texts):,} documents, {size / 1e6:,.0f} MB, {os.cpu_count()} cores"
    with tempfile.TemporaryDirectory() as scratch, _session() as spark:
        documents = _documents(texts, Path(scratch) / "texts")
        for folder in tokenizers:
            yield from _against_own_batch(spark, documents, texts, folder)
        yield from _writing(spark, documents, tokenizers[-1], Path(scratch))


def _texts(workspace: Path) -> list[str]:
    """About CHARACTERS of the workspace's mix; where it is smaller, its texts again with a number."""
    found = pads.dataset(workspace / "shards" / "stage1").to_table(columns=["text"])["text"].to_pylist()
    times = -(-CHARACTERS // max(sum(map(len, found)), 1))
    many = [f"{text}\n{number}" for number in range(times) for text in found]
    ends = list(accumulate(map(len, many)))
    return many[: bisect_left(ends, CHARACTERS) + 1]


@contextmanager
def _session() -> Iterator[SparkSession]:
    stop_session()
    spark = get_session("tokenising", "local[*]")
    try:
        with bounded_batches(spark):
            yield spark
    finally:
        stop_session()


def _documents(texts: list[str], folder: Path) -> Path:
    """The texts in eight files per core, so that no core ends long before the others."""
    folder.mkdir()
    files = 8 * (os.cpu_count() or 1)
    for number in range(files):
        pq.write_table(pa.table({"text": texts[number::files]}), folder / f"{number:02d}.parquet")
    return folder


def _against_own_batch(spark: SparkSession, documents: Path, texts: list[str], folder: str) -> Iterator[str]:
    """Both in turn, so that what else the machine does meets both; the first round warms them up."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    tokenizer = load(folder)
    feed = open_feed("bench", str(documents), SourceConfig(path=(str(documents),)), 1 << 26)
    job = read(spark, feed, Encode(folder, tokenizer.sha256))

    def own_batches() -> int:
        """In batches of a thousand: the library keeps some hundred bytes per token, of all texts gigabytes."""
        encode = partial(tokenizer.tokenizer.encode_batch_fast, add_special_tokens=False)
        batches = (texts[start : start + 1000] for start in range(0, len(texts), 1000))
        return sum(len(found) for batch in batches for found in encode(batch))

    tokens, own, ours = own_batches(), [], []
    for _ in range(ROUNDS + 1):
        own.append(_costs(own_batches))
        ours.append(_costs(lambda: job.write.format("noop").mode("overwrite").save()))
    wall, used = ([median(one[k] for one in runs[1:]) for runs in (own, ours)] for k in (0, 1))
    yield f"  {Path(folder).name}: {tokens:,} tokens"
    yield _line("the tokenizer's own batch (encode_batch_fast)", tokens, wall[0], used[0])
    job_line = _line("the Spark job: read, encode, hand over", tokens, wall[1], used[1])
    yield f"{job_line}   {wall[0] / wall[1]:.2f} x in time, {used[0] / used[1]:.2f} x in processor time"


def _writing(spark: SparkSession, documents: Path, folder: str, scratch: Path) -> Iterator[str]:
    """Rows in memory of the JVM's files to finished shards: place, sort, compress, hash."""
    columns = {name: F.lit("x") for name in ("url", "language", "source", "kind", "licence")}
    rows = spark.read.parquet(str(documents)).withColumns(
        {"id": F.md5("text"), **columns, "agent_score": F.lit(0.5).cast("float")}
    )
    rows = rows.withColumns({"set": F.lit("stage1"), "mix": F.lit("a"), "repetition": F.lit(0)})
    path = str(scratch / "encoded")
    tokenise(rows, Encode(folder, load(folder).sha256)).write.parquet(path)
    placed = spark.read.parquet(path).withColumn("position", F.xxhash64("id"))
    table, taken = SHARDS.plus(SHARDS.doc, INPUT_IDS), []
    for number in range(ROUNDS + 1):
        out = str(scratch / f"out{number}")
        stage = Stage.open("shard", build(ShardConfig, {"input": {"a": "x"}, "output": out}), [])
        begin = time.perf_counter()
        write_sets(stage, placed, table, file_bytes=512 << 20, group_bytes=64 << 20)
        taken.append(time.perf_counter() - begin)
    files = stage.tables["stage1/a"]
    plain = sum(pq.read_table(Path(out) / file.path).nbytes for file in files)
    packed = sum(file.bytes for file in files)
    seconds = median(taken[1:])
    yield (
        f"  writing shards: {plain / 1e6:,.0f} MB in {len(files)} files of {packed / 1e6:,.0f} MB together, "
        f"{plain / seconds / 1e6:,.0f} MB/s ({plain / seconds / 1e6 / (os.cpu_count() or 1):,.0f} per core)"
    )


def _costs(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock, and of processors by this process and all that it has started."""
    begin, used = time.perf_counter(), cpu.seconds()
    work()
    return time.perf_counter() - begin, cpu.seconds() - used


def _line(name: str, tokens: int, wall: float, used: float) -> str:
    return f"    {name:<46} {tokens / wall:>11,.0f} tokens/s {tokens / used:>11,.0f} per processor second"
