"""Start N ranks of the trainer on this host, hand signals on to them, end with its exit code.

    python conf/launch/ranks.py 8 --config conf/training/X.yaml data=... model=... output=...
    python training/sweep.py --config ... launcher="python conf/launch/ranks.py 8"     # ablate.py alike

What starts a run there names the script of the trainer behind N, as it would to torchrun.

torchrun starts ranks too, but ends with code 1 whatever they ended with, and kills them 30 seconds after
SIGTERM: a launcher could not tell a run that saved itself (75) from one that failed.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

RUN = Path(__file__).resolve().parents[2] / "training" / "run.py"
SAVED = 75
GRACE = 60  # seconds that ranks get to end once one has failed; they may be waiting for it


def main(count: int, words: list[str]) -> int:
    named = words[:1] if words and words[0].endswith(".py") and Path(words[0]).is_file() else []
    script, words = (named or [str(RUN)])[0], words[len(named) :]
    port = os.environ.get("MASTER_PORT") or str(_free_port())  # several runs may share a host
    world = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    ranks = [
        subprocess.Popen(
            [sys.executable, script, *words],
            env={**os.environ, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(count)
    ]

    def hand_on(number: int, _frame: FrameType | None) -> None:
        for rank in ranks:
            if rank.poll() is None:
                rank.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, hand_on)
    deadline = None
    while any(rank.poll() is None for rank in ranks):
        if deadline is None and any(rank.returncode not in (None, 0, SAVED) for rank in ranks):
            deadline = time.monotonic() + GRACE
        if deadline is not None and time.monotonic() > deadline:
            hand_on(signal.SIGKILL, None)
        time.sleep(0.1)
    codes = [rank.returncode for rank in ranks]
    failed = [code for code in codes if code not in (0, SAVED)]
    # A rank that raised says why with a code of its own; those that lost it were killed or end with 1.
    worst = next((code for code in failed if code > 1), failed[0] if failed else max(codes))
    return worst if worst >= 0 else 128 - worst


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
