"""The same job on separate executor processes: spark-submit with local-cluster against threads of one process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.demo.road import embedded


def run(command: list[str], repository: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # as with the environment active
    env = {**os.environ, "PATH": path}
    done = subprocess.run(
        command, cwd=repository, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*.parquet"))
    }


@pytest.mark.slow  # a master, two workers, and the job twice: minutes on two cores
@pytest.mark.spark
def test_filter_gives_the_same_rows_on_a_cluster_as_on_threads(repository: Path, tmp_path: Path) -> None:
    crawl, seeds = embedded("crawl", str(tmp_path)), embedded("seeds", str(tmp_path))
    python, submit = sys.executable, str(Path(sys.executable).with_name("spark-submit"))
    run(
        [python, "jobs/seeds.py", f"input={seeds}", f"output={tmp_path / 'seeds'}", "master=local[2]"],
        repository,
    )
    words = [f"input={crawl}", f"output={tmp_path / 'classifier'}", "master=local[2]"]
    run([python, "jobs/classifier.py", f"seeds={tmp_path / 'seeds'}", *words], repository)
    # executors of a cluster have a working folder of their own: relative paths must mean the driver's
    classifier, crawl = (os.path.relpath(path, repository) for path in (tmp_path / "classifier", crawl))
    words = ["jobs/filter.py", f"input={crawl}", f"classifier={classifier}"]
    run([python, *words, f"output={tmp_path / 'threads'}", "master=local[2]"], repository)
    cluster = [submit, "--master", "local-cluster[2,1,1024]", *words]
    run([*cluster, f"output={os.path.relpath(tmp_path / 'cluster', repository)}"], repository)
    assert hashes(tmp_path / "cluster") == hashes(tmp_path / "threads")
    assert hashes(tmp_path / "threads")
