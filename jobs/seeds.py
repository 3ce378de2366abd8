"""Turn public agent data in its many formats into seeds: the examples that the corpus is built from.

example: python jobs/seeds.py input=seeds_flat.jsonl.gz output=workspace/seeds
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.seeds.config import SeedsConfig
from corpus.seeds.stage import plan, run

if __name__ == "__main__":
    sys.exit(run_job(SeedsConfig, run, description=__doc__, plan=plan))
