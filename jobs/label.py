"""Label pages: ask models by a rubric, apply rules and files, take seeds; say who gave each label.

example: python jobs/label.py input=workspace/pages labellers.judge.url=http://localhost:8000/v1
labellers.judge.model=MODEL sample.uncertain=500 sample.random=200 labels=audited.csv output=workspace/labels
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.labels.config import LabelConfig
from corpus.labels.planning import summary
from corpus.labels.stage import plan, run


def main(config: LabelConfig) -> str:
    """The run, with what was spent and how far the givers agree."""
    made = run(config)
    return "\n".join([str(made), *summary(dict(made.facts))])


if __name__ == "__main__":
    sys.exit(run_job(LabelConfig, main, description=__doc__ or "", plan=plan))
