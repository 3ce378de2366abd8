"""Run the whole road into one workspace: seeds, classifier, filter, dedup, match, shard, train, report.

    python jobs/forge.py output=demo                                  # the embedded crawl and seeds
    python jobs/forge.py input='crawl/*.warc.gz' seeds=seeds/ output=work
    python jobs/forge.py input=warc.paths.gz output=work --from match # start again from a stage

The same command goes on where it stopped. Settings of single stages: set.STAGE.KEY=VALUE.
"""

import sys

from corpus.engine.cli import run_job
from corpus.forge.config import ForgeConfig
from corpus.forge.run import plan, run

if __name__ == "__main__":
    sys.exit(run_job(ForgeConfig, run, description=__doc__ or "", plan=plan))
