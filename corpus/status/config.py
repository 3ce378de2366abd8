"""The keys of `jobs/status.py`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import option
from corpus.engine.errors import UserError
from corpus.report.workspace import RUNS, STAGES

REPORT = "report"
ROAD = (*(name for name, _ in STAGES), *(f"training/{run}" for run in RUNS), REPORT)


@dataclass(frozen=True, kw_only=True)
class StatusConfig:
    """Look at a workspace, a stage's folder or a training run. Nothing in it is written or locked."""

    input: tuple[str, ...] = option(
        "workspace, folder of one stage, or folder of a training run; exactly one"
    )
    expect: tuple[str, ...] = option(
        "folders that must be finished for the whole to be; none: those of the road that skip= leaves", ()
    )
    skip: tuple[str, ...] = option("what the road was told to leave out", (), choices=("train", "report"))
    watch: float = option("look again every so many seconds until the end; 0: once", 0.0, least=0)
    html: str = option("page to write at each look, which reloads itself; empty: none", "")
    stale: float = option(
        "an unfinished part in which no file has changed for so many seconds has stopped", 1800.0, least=1
    )
    failing: float = option(
        "say so if more than this share of the records failed so far; the jobs end at max_failed_fraction",
        0.1,
        least=0,
        most=1,
    )

    def __post_init__(self) -> None:
        if len(self.input) != 1:
            raise UserError(
                f"status takes exactly one folder, {len(self.input)} were given; write input=FOLDER."
            )

    @property
    def folder(self) -> str:
        return self.input[0].rstrip("/") or "/"

    @property
    def expected(self) -> tuple[str, ...]:
        """Parts that the end waits for, in their order."""
        if self.expect:
            return tuple(name.strip("/") for name in self.expect)
        left = ROAD if "report" not in self.skip else tuple(name for name in ROAD if name != REPORT)
        return tuple(name for name in left if "train" not in self.skip or not name.startswith("training/"))
