"""Turn public agent data in its many formats into seeds: the examples that the corpus is built from.

example: python jobs/seeds.py fetch=toolace,glaive-v2 output=raw
         python jobs/seeds.py input=raw output=workspace/seeds
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.seeds import stage
from corpus.seeds.config import SeedsConfig
from corpus.seeds.fetch import run as fetching
from corpus.seeds.summary import table


def run(config: SeedsConfig) -> str:
    """Fetch sources where the config names some, else make seeds of its input."""
    if config.fetch:
        return fetching.fetch(config)
    manifest = stage.run(config)
    return f"{manifest}\n\n{table(manifest.facts)}"


def plan(config: SeedsConfig) -> str:
    return fetching.plan(config) if config.fetch else stage.plan(config)


if __name__ == "__main__":
    sys.exit(run_job(SeedsConfig, run, description=__doc__, plan=plan))
