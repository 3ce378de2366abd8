"""Check finished stage folders against their manifests: files, sha256, rows, record counts, unique ids.

python jobs/verify.py input=work/pages,work/unique,work/matched,work/shards
"""

import sys

from corpus.engine.cli import run_job
from corpus.engine.verify import VerifyConfig, run

if __name__ == "__main__":
    sys.exit(run_job(VerifyConfig, run, description=__doc__ or ""))
