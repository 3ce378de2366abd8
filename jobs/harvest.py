"""Harvest documentation sites out of a crawl as seeds: pages under start addresses, and what they link to.

example: python jobs/harvest.py start=https://docs.example.org/api/ input=crawl/*.warc.gz output=work/harvest
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.harvest.config import HarvestConfig
from corpus.harvest.stage import plan, run

if __name__ == "__main__":
    sys.exit(run_job(HarvestConfig, run, description=__doc__ or "", plan=plan))
