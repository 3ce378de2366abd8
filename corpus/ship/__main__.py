"""Build what a cluster needs: the wheel, and an archive for --archives that holds Python and all packages.

example: python -m corpus.ship output=dist extras=embed
"""

from __future__ import annotations

import sys

from corpus.engine.cli import run_job
from corpus.ship.config import ShipConfig
from corpus.ship.run import plan, ship

if __name__ == "__main__":
    sys.exit(run_job(ShipConfig, ship, description=__doc__ or "", plan=plan))
