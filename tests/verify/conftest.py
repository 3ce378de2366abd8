"""Copies of the finished stages of the road, to be changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Copy = Callable[..., Path]


@pytest.fixture
def copy(demo: tuple[Path, str], tmp_path: Path) -> Copy:
    """copy("shards") is a copy of that stage, whose config still names the whole workspace.

    copy("clean", "unique") copies both, and the first finds the second beside itself: it was moved.
    """

    def copied(name: str, *others: str) -> Path:
        for each in (name, *others):
            shutil.copytree(demo[0] / each, tmp_path / each)
        return tmp_path / name

    return copied
