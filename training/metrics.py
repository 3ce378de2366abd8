"""metrics.jsonl: one row per step and per measurement. After a resume the file has each step once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class MetricsLog:
    """Appends rows; `cut` drops what lies behind a checkpoint, a row that was half written with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = open(path, "ab")  # noqa: SIM115

    def cut(self, step: int) -> None:
        """Keep the rows up to `step`; -1 keeps none."""
        self._stream.close()
        kept = []
        for line in self.path.read_bytes().splitlines(keepends=True):
            try:
                if not line.endswith(b"\n") or json.loads(line)["step"] > step:
                    break
            except (ValueError, KeyError, TypeError):
                break
            kept.append(line)
        temporary = self.path.with_name(self.path.name + ".tmp")
        with open(temporary, "wb") as stream:
            stream.writelines(kept)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.path)
        self._stream = open(self.path, "ab")  # noqa: SIM115

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
