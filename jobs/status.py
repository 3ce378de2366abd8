"""How far is it? Progress, rate, time left and failures of a workspace, a stage or a training run.

example: python jobs/status.py input=work
         python jobs/status.py input=work watch=5                        # until it ends
         python jobs/status.py input=s3://bucket/work html=status.html watch=30 skip=train,report

Reads what the run has committed and nothing else; the run does not notice. Exit code: 0 all is finished,
3 something failed or stopped, 4 at work; 1 and 2 as everywhere.
"""

import sys

from corpus.engine.cli import run_job
from corpus.status.config import StatusConfig
from corpus.status.run import Watcher, plan

if __name__ == "__main__":
    watcher = Watcher()
    sys.exit(run_job(StatusConfig, watcher.run, description=__doc__ or "", plan=plan) or watcher.exit_code)
