"""metrics.jsonl: one row per step and per measurement. After a resume the file has each step once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"


class MetricsLog:
    """Appends rows; `cut` drops what lies behind a checkpoint, and whatever is no row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = open(path, "ab")  # noqa: SIM115

    def cut(self, step: int) -> int:
        """Keep the rows up to `step` (-1 keeps none); returns how many lines but the last were no rows.

        The last line may be half a row: the process died as it wrote it.
        """
        self._stream.close()
        lines = self.path.read_bytes().splitlines(keepends=True)
        steps = [_step_of(line) for line in lines]
        kept = [line for line, at in zip(lines, steps) if at is not None and at <= step]
        temporary = self.path.with_name(self.path.name + ".tmp")
        with open(temporary, "wb") as stream:
            stream.writelines(kept)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.path)
        self._stream = open(self.path, "ab")  # noqa: SIM115
        return steps[:-1].count(None)

    def write(self, row: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(row).encode() + b"\n")
        self._stream.flush()

    def sync(self) -> None:
        """Force the rows to the disk.

        Done before a checkpoint counts, so that the file never lacks rows of the checkpoint's past.
        """
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        self._stream.close()


def _step_of(line: bytes) -> int | None:
    """The step of a row; None for what is no whole row."""
    try:
        return int(json.loads(line)["step"]) if line.endswith(b"\n") else None
    except (ValueError, KeyError, TypeError):
        return None
