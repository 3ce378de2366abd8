"""Train the agent classifier from seeds and a crawl, or from labels, and measure it on sites held out as a
whole.

example: python jobs/classifier.py seeds=workspace/seeds input=crawl/*.warc.gz output=workspace/classifier
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.stage import plan, run
from corpus.relevance.table import summary


def train(config: ClassifierConfig) -> str:
    """The finished stage in words, and with labels the table of what was measured."""
    manifest = run(config)
    return f"{manifest}\n\n{summary(manifest.facts)}".rstrip()


if __name__ == "__main__":
    sys.exit(run_job(ClassifierConfig, train, description=__doc__, plan=plan))
