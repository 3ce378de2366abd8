"""Peak memory of the shard stage's writers: python -m tests.benchmarks.writing [GB] on synthetic rows, 1 GiB of heap."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import functions as F

from corpus.engine.config import build
from corpus.engine.session import get_session, stop_session
from corpus.engine.stage import Stage
from corpus.engine.tables import INPUT_IDS, SHARDS
from corpus.shards.config import ShardConfig
from corpus.shards.tokenising.stage import bounded_batches
from corpus.shards.writing import layout
from corpus.shards.writing.stage import write_sets
from tests.benchmarks import cpu

_HASHES = 100  # md5 sums in a text: 3.2 kB, which do not compress


def measure(gigabytes: float) -> Iterator[str]:
    """Rows of 6.5 kB each, made where they are read, into files of 512 MiB."""
    os.environ["PYSPARK_SUBMIT_ARGS"] = "--driver-memory 1g pyspark-shell"
    layout.LEAST_FILES = 1  # else a source of this size would have smaller files
    spark = get_session("writing", "local[2]")
    peaks: dict[str, int] = {}
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(peaks, over), daemon=True)
    watcher.start()
    rows = int(gigabytes * 1e9 / (64 * _HASHES))
    text = F.concat_ws(" ", *[F.md5(F.concat("id", F.lit(str(n)))) for n in range(_HASHES)])
    frame = spark.range(rows).select(F.md5(F.col("id").cast("string")).alias("id"))
    frame = frame.withColumn("text", text).withColumn(
        "input_ids", F.substring(F.encode("text", "utf-8"), 1, 3200)
    )
    frame = frame.withColumns({name: F.lit("x") for name in ("url", "language", "source", "kind", "licence")})
    frame = frame.withColumns({"agent_score": F.lit(0.5), "num_tokens": F.lit(800), "repetition": F.lit(0)})
    frame = frame.withColumns({"set": F.lit("stage1"), "mix": F.lit("a"), "position": F.xxhash64("id")})
    with tempfile.TemporaryDirectory() as out:
        stage = Stage.open("shard", build(ShardConfig, {"input": {"a": "x"}, "output": out + "/s"}), [])
        begin = time.perf_counter()
        with bounded_batches(spark):
            table = SHARDS.plus(SHARDS.doc, INPUT_IDS)
            files = write_sets(stage, frame, table, file_bytes=512 << 20, group_bytes=64 << 20)
        seconds = time.perf_counter() - begin
        written = sum(file.bytes for file in stage.tables["stage1/a"])
    over.set()
    watcher.join()
    stop_session()
    yield f"writing: {rows:,} rows in {len(files)} files, {written / 1e9:.2f} GB on disk, {seconds:,.0f} s"
    for name, size in sorted(peaks.items()):
        yield f"  peak of {name:<16} {size / 2**20:>8,.0f} MiB"


def _watch(peaks: dict[str, int], over: threading.Event) -> None:
    """The largest resident set of the JVM and of a Python worker; processes end, so they are asked often."""
    while not over.wait(0.2):
        for pid in cpu.tree(os.getpid()):
            name = _name(pid)
            if name:
                peaks[name] = max(peaks.get(name, 0), cpu.peak_bytes_of(pid))


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
    return "JVM" if "org.apache.spark" in words else "a Python worker" if "pyspark.daemon" in words else ""


if __name__ == "__main__":
    for line in measure(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0):
        print(line)
