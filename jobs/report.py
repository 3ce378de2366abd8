"""The statistics report of a workspace: one self-contained HTML page, and all that is on it as files.

example: python jobs/report.py input=work                              # writes work/report
         python jobs/report.py input=work earlier=last-month           # warns of what shrank or grew since
         python jobs/report.py input=work,last-month output=comparison # two side by side, differences first
         python jobs/report.py input=work/pages,work/unique            # single stages or training runs, too

Needs no Spark: it reads the manifests and single columns of the tables of the stages that have finished.
"""

import sys

from corpus.engine.cli import run_job
from corpus.report.config import ReportConfig
from corpus.report.run import plan, run

if __name__ == "__main__":
    sys.exit(run_job(ReportConfig, run, description=__doc__ or "", plan=plan))
