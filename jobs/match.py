"""Keep the pages that resemble a seed, and say of each one which seed that is and how near.

example: python jobs/match.py seeds=workspace/seeds input=workspace/unique output=workspace/matched
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.match.config import MatchConfig
from corpus.match.evaluation.summary import summary
from corpus.match.stage import plan, run


def match(config: MatchConfig) -> str:
    """The finished stage in words, and with labels the table of what was measured."""
    manifest = run(config)
    return f"{manifest}\n\n{summary(manifest.facts)}".rstrip()


if __name__ == "__main__":
    sys.exit(run_job(MatchConfig, match, description=__doc__ or "", plan=plan))
