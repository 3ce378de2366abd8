"""Fixtures that all tests share. Spark starts once, and only for the tests that ask for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from corpus.engine.session import get_session

    session = get_session("tests", "local[2]")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The workspace of the whole road on the embedded crawl, made once, and what was printed. Nobody changes it."""
    workspace = tmp_path_factory.mktemp("road") / "demo"
    command = [sys.executable, "jobs/forge.py", f"output={workspace}", "master=local[2]"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return workspace, done.stdout


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pages, seeds and archives, where they lie beside the checkout."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data set ../shared/data is not there")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY
