"""The keys of `python -m corpus.ship`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import option
from corpus.engine.errors import UserError

EXTRAS = ("embed", "train")


@dataclass(frozen=True, kw_only=True)
class ShipConfig:
    output: str = option("local folder that gets the wheel and the archive", "dist")
    project: str = option("the project's folder, with its pyproject.toml", ".")
    extras: tuple[str, ...] = option(
        "extras to install beside the base, of embed and train; jobs/match.py needs embed on the executors",
        (),
    )
    requirements: str = option(
        "file with every package of the base pinned by hash, below the project",
        "conf/cluster/requirements.txt",
    )
    constraints: str = option("file that pins what the extras bring, below the project", "constraints.txt")

    def __post_init__(self) -> None:
        for extra in self.extras:
            if extra not in EXTRAS:
                raise UserError(
                    f"extras={extra} is none that a cluster uses; they are {' and '.join(EXTRAS)}."
                )
