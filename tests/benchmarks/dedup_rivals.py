"""The tools that deduplication is compared with. Each takes the pages and answers which of them it keeps.

    python tests/benchmarks/dedup_rivals.py PAGES.parquet FOLDER

runs datatrove's MinHash under the interpreter that calls it: it needs other versions of some packages than this
project, so that it has an environment of its own.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W\u3040-\u30ff\u4e00-\u9fff]+")


def datasketch_first_wins(texts: Sequence[str]) -> list[bool]:
    """datasketch's MinHashLSH at 0.8 with 128 permutations over word 5-grams: a page goes if it meets an earlier one."""
    from datasketch import MinHash, MinHashLSH

    index, kept = MinHashLSH(threshold=0.8, num_perm=128), []
    for number, text in enumerate(texts):
        words = WORD.findall(text.lower())
        shingles = {" ".join(words[at : at + 5]).encode() for at in range(max(len(words) - 4, 1))}
        sketch = MinHash(num_perm=128)
        sketch.update_batch(shingles)
        meets = bool(words) and bool(index.query(sketch))
        kept.append(not meets)
        if words and not meets:
            index.insert(number, sketch)
    return kept


def datatrove(table: Path, folder: Path) -> list[str]:
    """The ids that datatrove's four MinHash steps keep, with its default 14 buckets of 8 hashes."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    _let_xxhash_take_text()
    config = MinhashConfig()

    def reader() -> Any:
        return ParquetReader(str(table.parent), glob_pattern=table.name, text_key="text", id_key="id")

    signatures, buckets, gone, out = (str(folder / name) for name in ("signatures", "buckets", "gone", "out"))
    steps: list[tuple[list[Any], int]] = [
        ([reader(), MinhashDedupSignature(signatures, config=config)], 1),
        ([MinhashDedupBuckets(signatures, buckets, config=config)], config.num_buckets),
        ([MinhashDedupCluster(buckets, gone, config=config)], 1),
        ([reader(), MinhashDedupFilter(gone), JsonlWriter(out, compression=None)], 1),
    ]
    for number, (pipeline, tasks) in enumerate(steps):
        LocalPipelineExecutor(
            pipeline, tasks=tasks, workers=1, logging_dir=str(folder / f"log{number}")
        ).run()
    return [
        json.loads(line)["id"]
        for path in sorted(Path(out).glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def _let_xxhash_take_text() -> None:
    """datatrove hands texts to xxhash, whose newer versions want bytes."""
    import xxhash

    of_bytes = xxhash.xxh64_intdigest
    xxhash.xxh64_intdigest = lambda data, seed=0: of_bytes(
        data.encode() if isinstance(data, str) else data, seed
    )


if __name__ == "__main__":
    _, table, work = sys.argv
    kept = datatrove(Path(table), Path(work))
    Path(work, "kept.json").write_text(json.dumps(kept), encoding="utf-8")
