"""Take benchmark items, secrets and personal data out of pages or seeds, and say what was found where.

example: python jobs/hygiene.py input=workspace/unique benchmarks=bfcl/,humaneval.jsonl output=workspace/clean
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.hygiene.config import HygieneConfig
from corpus.hygiene.stage import plan, run

if __name__ == "__main__":
    sys.exit(run_job(HygieneConfig, run, description=__doc__ or "", plan=plan))
