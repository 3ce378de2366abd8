"""How many items of a container become seeds, per source, and what it costs in one process, without Spark.

python -m tests.seeds.measure ../shared/data/seeds/seeds_flat.jsonl.gz
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict

from corpus.seeds.convert import convert
from corpus.seeds.reading import container_item, container_lines
from corpus.seeds.records import Origin

MOST = 64 << 20


def main(path: str) -> None:
    items, used = Counter[str](), Counter[str]()
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    began = time.process_time()
    for number, line in enumerate(container_lines(path, MOST)):
        item = container_item(line, path, number, Origin("", "", None, ""))
        found = list(convert(item))
        name = item.origin.name
        items[name] += 1
        used[name] += any(not one.reason for one in found)
        outcomes[name].update(one.reason or f"{one.draft.kind} (seeds)" for one in found)
    seconds = time.process_time() - began
    for name in sorted(items):
        told = ", ".join(f"{what} {n:,}" for what, n in sorted(outcomes[name].items()))
        print(f"{name:<24} {used[name]:>6,} of {items[name]:>6,} items: {told}")
    total = sum(items.values())
    print(f"{'all':<24} {sum(used.values()):>6,} of {total:>6,} items")
    print(f"{total / seconds:,.0f} items per second of CPU ({seconds:.1f} s)")


if __name__ == "__main__":
    main(sys.argv[1])
