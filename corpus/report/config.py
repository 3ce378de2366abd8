"""The keys of `jobs/report.py`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine import storage
from corpus.engine.config import JobConfig, option
from corpus.engine.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ReportConfig(JobConfig):
    """Where the workspace is and where the page goes."""

    input: tuple[str, ...] = option(
        "workspace: the folder that holds one folder per finished stage; exactly one"
    )
    output: str = option(
        "folder for index.html, stats.json and tables/; empty means <input>/report", "", volatile=True
    )
    top: int = option("longest list of hosts, seeds or sites in a table", 15, least=1, most=200)
    host_share: float = option("warn of a host with more than this share of the pages", 0.05, least=0, most=1)
    failed_share: float = option(
        "warn of a stage where more than this share of the records failed", 0.02, least=0, most=1
    )

    def __post_init__(self) -> None:
        if len(self.input) != 1:
            raise UserError(
                f"report takes exactly one workspace, {len(self.input)} were given; write input=WORKSPACE."
            )

    @property
    def workspace(self) -> str:
        return self.input[0].rstrip("/") or "/"

    @property
    def folder(self) -> str:
        return self.output.rstrip("/") or storage.join(self.workspace, "report")
