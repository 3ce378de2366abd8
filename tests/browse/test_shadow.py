"""jobs/inspect.py bears the name of a standard module: every job runs beside it, and finds that module."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import inspect, dataclasses, sys
assert inspect.__file__ == {standard!r}, inspect.__file__
assert inspect.signature(print) and inspect.__name__ == "inspect" and inspect.__spec__.origin == {standard!r}
assert sys.path[0].endswith("jobs"), sys.path[0]
print("standard")
"""


def run(repository: Path, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd or repository,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment,
    )


def help_of(repository: Path, names: list[str]) -> None:
    jobs = [repository / "jobs" / name for name in names]
    running = [
        subprocess.Popen(
            [sys.executable, str(job), "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for job in jobs
    ]
    for job, process in zip(jobs, running):
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0 and "usage:" in out, f"{job.name}: {err}"


def test_jobs_run_beside_the_job_of_that_name(repository: Path) -> None:
    help_of(repository, ["inspect.py", "verify.py", "dedup.py"])


@pytest.mark.slow  # each of them loads Spark
def test_every_job_runs_beside_the_job_of_that_name(repository: Path) -> None:
    names = sorted(path.name for path in (repository / "jobs").glob("*.py"))
    assert "inspect.py" in names and len(names) >= 12
    for start in range(0, len(names), 4):
        help_of(repository, names[start : start + 4])


@pytest.mark.parametrize("first", ["jobs", ""])
def test_the_module_inspect_is_the_standard_one_in_the_folder_of_the_jobs(
    repository: Path, tmp_path: Path, first: str
) -> None:
    jobs = repository / "jobs"
    probe = PROBE.format(standard=inspect.__file__)
    code = f"import sys; sys.path.insert(0, {str(jobs)!r}); exec({probe!r})"
    if not first:  # the folder as `python -c` and `python -m` know it
        code = probe.replace('assert sys.path[0].endswith("jobs"), sys.path[0]', "")
    done = run(repository, "-c", code, cwd=jobs)
    assert done.returncode == 0 and done.stdout.strip() == "standard", done.stderr


SPARK_JOB = """
import inspect, sys
from pyspark.sql import SparkSession

def kind(rows):
    import inspect
    yield inspect.__file__
    yield str(inspect.signature(kind))

if __name__ == "__main__":
    spark = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
    found = set(spark.sparkContext.parallelize([1, 2], 2).mapPartitions(kind).collect())
    print("driver", inspect.__file__)
    print("workers", *sorted(found))
    spark.stop()
"""


@pytest.mark.spark
@pytest.mark.slow
def test_drivers_and_workers_of_spark_submit_find_the_standard_module(
    repository: Path, tmp_path: Path
) -> None:
    import pyspark

    jobs = tmp_path / "jobs"
    jobs.mkdir()
    (jobs / "inspect.py").write_bytes((repository / "jobs" / "inspect.py").read_bytes())
    (jobs / "probe.py").write_text(SPARK_JOB)
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    environment["PYTHONPATH"] = f"{jobs}:{repository}"  # of the workers, too
    done = subprocess.run(
        [str(submit), "--master", "local[1]", str(jobs / "probe.py")],
        cwd=jobs,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    standard = inspect.__file__
    assert f"driver {standard}" in done.stdout and f"workers (rows) {standard}" in done.stdout
