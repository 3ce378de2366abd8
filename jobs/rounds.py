"""Improve the agent classifier in rounds: score a crawl, have prefixes with many hits reviewed, learn from
the pages that were missed below them, score again, until a round brings almost nothing.

example: python jobs/rounds.py crawl=crawl/*.warc.gz seeds=workspace/seeds output=workspace/rounds
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.rounds.config import RoundsConfig
from corpus.rounds.stage import plan, run

if __name__ == "__main__":
    sys.exit(run_job(RoundsConfig, run, description=__doc__ or "", plan=plan))
