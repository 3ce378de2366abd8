"""Filter web archives: keep the pages of the wanted kind, extracted faithfully, and say why the others went.

example: python jobs/filter.py input=crawl/*.warc.gz classifier=workspace/classifier output=workspace/pages

Writes pages/, files/ (one row per archive) and ledger/ (one row per response record). The same command again
goes on behind the archives that are done. With --plan it says from a sample what the run would cost; with
calibrate=labels.csv it chooses the thresholds of the early steps on labelled pages.
"""

from __future__ import annotations

import sys

from corpus.crawl.config import FilterConfig
from corpus.crawl.stage import plan, run
from corpus.crawl.trial.stage import calibrate, forecast
from corpus.engine.cli import run_job


def main(config: FilterConfig) -> object:
    return calibrate(config) if config.calibrate else run(config)


if __name__ == "__main__":
    sys.exit(run_job(FilterConfig, main, description=__doc__ or "", plan=plan, forecast=forecast))
