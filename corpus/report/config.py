"""The keys of `jobs/report.py`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine import storage
from corpus.engine.config import JobConfig, option
from corpus.engine.errors import UserError
from corpus.report.warnings.limits import Limits


@dataclass(frozen=True, kw_only=True)
class ReportConfig(JobConfig):
    """What is looked at, and where the page goes."""

    input: tuple[str, ...] = option(
        "workspace: the folder that holds one folder per finished stage; two are set side by side, and may "
        "then also be folders of single stages or training runs"
    )
    output: str = option(
        "folder of the report; empty means <input>/report, of two inputs the folder comparison",
        "",
        volatile=True,
    )
    earlier: str = option(
        "an earlier run to warn against what shrank or grew since: its workspace, or its stats.json", ""
    )
    top: int = option("longest list of hosts, seeds or sites in a table", 15, least=1, most=200)
    examples: int = option("examples of records behind each reason", 3, least=0, most=20)
    hour_price: float = option(
        "price of one machine-hour, for the cost of each stage; 0: not stated", 0.0, least=0
    )
    registry: str = option(
        "registry of public seed sources: their formats and links; empty: none", "conf/sources.yaml"
    )
    sweep: str = option("results of a sweep of mixtures; empty: those in the workspace, if any", "")
    ablations: str = option("results of ablations; empty: those in the workspace, if any", "")
    scores: str = option("scores of benchmarks; empty: those in the workspace, if any", "")
    warn: Limits = option("from where on the report warns")

    def __post_init__(self) -> None:
        if len(self.input) not in (1, 2):
            raise UserError(
                f"report takes one workspace, or two to set side by side; {len(self.input)} were given. "
                "Write input=WORKSPACE or input=A,B."
            )

    @property
    def compares(self) -> bool:
        return len(self.input) == 2

    @property
    def workspace(self) -> str:
        return self.input[0].rstrip("/") or "/"

    @property
    def folder(self) -> str:
        inside = "comparison" if self.compares else storage.join(self.workspace, "report")
        return self.output.rstrip("/") or inside
