"""Keep the pages that resemble a seed, and say of each one which seed that is and how near.

example: python jobs/match.py seeds=workspace/seeds input=workspace/unique output=workspace/matched
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.match.config import MatchConfig
from corpus.match.stage import plan, run

if __name__ == "__main__":
    sys.exit(run_job(MatchConfig, run, description=__doc__ or "", plan=plan))
