"""One way to filter a crawl, in a process of its own: `python -m tests.benchmarks.filter_run WAY FOLDER CLASSIFIER OUT`.

Prints one line of JSON: pages, pages kept, and what else there is to tell.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from corpus.crawl.archive import Tools, Work, filter_archive, tools_of
from corpus.crawl.cascade import Rules
from corpus.crawl.commits import Commit
from corpus.crawl.config import FilterConfig
from corpus.crawl.inputs.sources import find_archives, read_archive
from corpus.crawl.stage import LINES, SCORER, run
from corpus.crawl.summary import steps_of
from corpus.crawl.warc.records import Record
from corpus.engine.config import build
from corpus.engine.tables import PAGES
from corpus.relevance.model import load


def floor(folder: str, classifier: str, out: str) -> dict[str, Any]:
    """Decompress and scan: read the records and do nothing with them."""
    return {"pages": sum(1 for _ in responses(folder))}


def cascade(folder: str, classifier: str, out: str) -> dict[str, Any]:
    """The job's own cascade in a bare loop, without Spark."""
    return _loop(folder, classifier, out, Rules(load(classifier).threshold))


def everything(folder: str, classifier: str, out: str) -> dict[str, Any]:
    """The same, but every page is extracted in full: what the early steps may not lose."""
    rules = Rules(load(classifier).threshold, light_threshold=0.0, prefilter_threshold=0.0)
    return _loop(folder, classifier, out, rules)


def spark(folder: str, classifier: str, out: str) -> dict[str, Any]:
    """The job itself."""
    given = {"input": [folder], "classifier": classifier, "output": out, "master": "local[1]"}
    done = run(build(FilterConfig, given))
    return {"pages": done.counts["records_in"], "memory_mb": done.facts["memory_mb"]}


def responses(folder: str) -> Iterator[Record]:
    for archive in find_archives([folder]):
        for found in read_archive(archive):
            if isinstance(found, Record) and found.type == "response":
                yield found


def _loop(folder: str, classifier: str, out: str, rules: Rules) -> dict[str, Any]:
    names = {"scorer": SCORER, "lines": LINES, "source": "benchmark"}
    work = Work(folder=out, fingerprint="", rules=rules, classifier=classifier, **names)
    tools: Tools = tools_of(work)
    with tools.sandbox:
        commits: list[Commit] = [filter_archive(archive, work, tools) for archive in find_archives([folder])]
        peak = [max(c.measured.memory_mb[at] for c in commits) for at in (0, 1)]
    import pyarrow.parquet as pq

    kept = pq.read_table(f"{out}/{PAGES.name}", columns=["id"])["id"].to_pylist()
    return {
        "pages": sum(commit.responses for commit in commits),
        "kept": sorted(kept),
        "steps": steps_of(commits, rules.thresholds()),
        "memory_mb": dict(zip(("worker", "child"), peak)),
    }


WAYS = {way.__name__: way for way in (floor, cascade, everything, spark)}

if __name__ == "__main__":
    print(json.dumps(WAYS[sys.argv[1]](*sys.argv[2:5])))
