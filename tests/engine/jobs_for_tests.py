"""A small job, and its config, that the command line tests run in this process and in a real one."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from corpus.engine.cli import run_job
from corpus.engine.config import JobConfig, option
from corpus.engine.errors import DataError, UserError


@dataclass(frozen=True, kw_only=True)
class Source:
    """A named source; in short just its path."""

    path: tuple[str, ...] = option("where it lies")
    weight: float = option("its share", 1.0, least=0)

    @staticmethod
    def from_text(text: str) -> dict[str, str]:
        return {"path": text}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A nested group of keys."""

    pages: int = option("most pages", 10, least=1)
    label: str = option("a label", "x")


@dataclass(frozen=True, kw_only=True)
class SmallConfig(JobConfig):
    """Every kind of key that a job may have."""

    words: tuple[str, ...] = option("some words", ())
    input: dict[str, Source] = option("sources by name", {})
    shares: dict[str, float] = option("numbers by name", {})
    threshold: float = option("a share", 0.5, least=0, most=1)
    count: int = option("a count", 3, least=1)
    mode: str = option("what to do", "run", choices=("run", "fail", "crash"))
    kinds: tuple[str, ...] = option("kinds to keep", ("code",), choices=("code", "text"))
    note: str | None = option("a remark\nover two lines", None)
    fast: bool = option("skip the slow part", False)
    begin: str | None = option("stage to begin with", None, flag="--from")
    limits: Limits = option("limits")


def run(config: SmallConfig) -> str:
    if config.mode == "fail":
        raise DataError("nothing was kept of 3 records.")
    if config.mode == "crash":
        raise ZeroDivisionError("a bug")
    if config.count == 99:
        raise UserError("99 is not to be had.")
    return f"done {config.count}"


if __name__ == "__main__":
    sys.exit(run_job(SmallConfig, run, description="A small job."))
