"""Train the agent classifier from seeds and a crawl, or from labels, and measure it on sites held out as a
whole.

example: python jobs/classifier.py seeds=workspace/seeds input=crawl/*.warc.gz output=workspace/classifier
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.stage import plan, run

if __name__ == "__main__":
    sys.exit(run_job(ClassifierConfig, run, description=__doc__, plan=plan))
