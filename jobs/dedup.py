"""Remove duplicate pages and say of each one which page stays in its place, and how alike the two are.

example: python jobs/dedup.py input=workspace/pages output=workspace/unique a later crawl: python
jobs/dedup.py input=second/pages index=workspace/unique,workspace/seeds output=second/unique
"""

from __future__ import annotations

import sys

from corpus.dedup.config import DedupConfig
from corpus.dedup.sample import lines
from corpus.dedup.stage import plan, run
from corpus.engine.cli import run_job


def main(config: DedupConfig) -> str:
    """The run, and what it has found out about itself."""
    made = run(config)
    return "\n".join([str(made), *lines(dict(made.facts))])


if __name__ == "__main__":
    sys.exit(run_job(DedupConfig, main, description=__doc__ or "", plan=plan))
