"""The statistics report of a workspace: one self-contained HTML page, stats.json, a CSV per table.

    python jobs/report.py input=WORKSPACE [output=WORKSPACE/report]

Needs no Spark: it reads the manifests and single columns of the tables of the stages that have finished.
"""

import sys

from corpus.engine.cli import run_job
from corpus.report.config import ReportConfig
from corpus.report.run import plan, run

if __name__ == "__main__":
    sys.exit(run_job(ReportConfig, run, description=__doc__ or "", plan=plan))
