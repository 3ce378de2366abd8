"""Remove duplicate pages and say of each one which page stays in its place, and how alike the two are.

example: python jobs/dedup.py input=workspace/pages output=workspace/unique
"""

from __future__ import annotations

import sys

from corpus.dedup.config import DedupConfig
from corpus.dedup.stage import plan, run
from corpus.engine.cli import run_job

if __name__ == "__main__":
    sys.exit(run_job(DedupConfig, run, description=__doc__ or "", plan=plan))
