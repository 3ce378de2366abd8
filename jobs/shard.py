"""Mix named sources by tokens into Parquet sets for the trainer: stage1, stage2, heldout.

    python jobs/shard.py input.agent=work/matched,work/seeds input.code=code/ input.text=text/ \\
        input.seeds.path=work/seeds input.seeds.set=stage2 tokenizer=path/to/tokenizer output=work/shards
"""

import sys

from corpus.engine.cli import run_job
from corpus.shards.config import ShardConfig
from corpus.shards.stage import plan, run

if __name__ == "__main__":
    sys.exit(run_job(ShardConfig, run, description=__doc__ or "", plan=plan))
