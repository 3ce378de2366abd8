"""python -m tests.benchmarks [WORKSPACE]: measure the parts on a finished workspace (default: demo)."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from tests.benchmarks import (
    checkpoints,
    decontamination,
    deduplication,
    filtering,
    laws,
    loading,
    scoring,
    tokenising,
    training_speed,
    verifying,
)

BENCHMARKS = (
    filtering.measure,
    deduplication.measure,
    decontamination.measure,
    scoring.measure,
    tokenising.measure,
    loading.measure,
    training_speed.measure,
    laws.measure,
    checkpoints.measure,
    verifying.measure,
)


def main(workspace: Path) -> int:
    if not (workspace / "shards" / "_SUCCESS").exists():
        print(f"{workspace} is no finished workspace; run make demo first, or name one.", file=sys.stderr)
        return 2
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    for measure in BENCHMARKS:
        for line in measure(workspace):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo")))
