"""The cluster, the archive that is sent to it, and a crawl of several archives: each made once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus.demo.road import embedded
from tests.cluster.machines import Cluster, cluster


@dataclass(frozen=True)
class Road:
    """What the jobs start from, and what an undisturbed run on threads makes of it."""

    crawl: Path  # a folder of archives
    seeds: Path
    classifier: Path
    pages: Path  # the filter's output


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(folder.rglob("*.parquet"))
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The environment as `make dist` builds it; HEPHAESTUS_DIST names a folder where it lies already."""
    if folder := os.environ.get("HEPHAESTUS_DIST"):
        return Path(folder) / "environment.tar.gz"
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "corpus.ship", f"output={folder}"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "environment.tar.gz"


@pytest.fixture(scope="module")
def machines(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster") / "machines", archive) as made:
        yield made


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Road:
    folder = tmp_path_factory.mktemp("road")
    made = Road(folder / "crawl", folder / "seeds", folder / "classifier", folder / "pages")
    made.crawl.mkdir()
    for found in sorted(Path(embedded("crawl", str(folder))).glob("*.warc.gz")):
        for number in range(
            2
        ):  # more archives than cores, so that a fault meets some done and some not begun
            shutil.copy(found, made.crawl / f"{number}-{found.name}")
    seeds = embedded("seeds", str(folder))
    for job, *words in (
        ("seeds.py", f"input={seeds}", f"output={made.seeds}"),
        ("classifier.py", f"seeds={made.seeds}", f"input={made.crawl}", f"output={made.classifier}"),
        ("filter.py", f"input={made.crawl}", f"classifier={made.classifier}", f"output={made.pages}"),
    ):
        command = [sys.executable, f"jobs/{job}", *words, "master=local[2]"]
        done = subprocess.run(
            command, cwd=repository, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return made
