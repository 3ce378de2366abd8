"""python -m tests.benchmarks [WORKSPACE [PART ...]]: measure all parts, or those named, on a finished workspace."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module
from pathlib import Path

PARTS = (
    *("filtering", "deduplication", "decontamination", "scoring", "matching", "tokenising", "loading"),
    *("training_speed", "laws", "checkpoints", "verifying", "reporting"),
)


def main(workspace: Path, parts: list[str]) -> int:
    if not (workspace / "shards" / "_SUCCESS").exists():
        print(f"{workspace} is no finished workspace; run make demo first, or name one.", file=sys.stderr)
        return 2
    if unknown := sorted(set(parts) - set(PARTS)):
        print(f"{', '.join(unknown)}: no part; they are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    for part in parts or PARTS:
        for line in import_module(f"tests.benchmarks.{part}").measure(workspace):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"), sys.argv[2:]))
