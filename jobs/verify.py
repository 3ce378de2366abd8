"""Check finished stages from their files alone: bytes, schemas, counts, ids and where they come from, tokens.

example: python jobs/verify.py input=workspace
         python jobs/verify.py input=work/clean,work/shards deep=true checks=tokens,contamination

One line per check: ok, FAILED with what is wrong, or skipped with the reason. Ends with 3 if one has failed.
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.verify.config import VerifyConfig
from corpus.verify.run import plan, run

if __name__ == "__main__":
    sys.exit(run_job(VerifyConfig, run, description=__doc__ or "", plan=plan))
