"""Java is looked for before Spark starts. The `java` here is a small program that only tells a version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.engine.errors import UserError
from corpus.engine.java import major_version, require_java


def java_that_says(folder: Path, text: str, code: int = 0) -> str:
    """Put a program `bin/java` into `folder`; returns the folder, fit for JAVA_HOME."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "java"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{text}\nEND\nexit {code}\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("line", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("something else", 0),
    ],
)
def test_versions_are_read_as_java_prints_them(line: str, major: int) -> None:
    assert major_version(f"Picked up JAVA_TOOL_OPTIONS: -Dx\n{line}\n") == major


def test_a_fitting_java_is_found_by_home_and_by_path(tmp_path: Path) -> None:
    home = java_that_says(tmp_path, 'openjdk version "21.0.1" 2023')
    assert require_java({"JAVA_HOME": home, "PATH": "/nowhere"}) == 21
    assert require_java({"PATH": f"{home}/bin:{os.defpath}"}) == 21


def test_no_java_is_one_sentence_with_the_way_out() -> None:
    with pytest.raises(
        UserError, match=r"needs Java and none was found: install Java 17 or 21 .* or set JAVA_HOME"
    ):
        require_java({"PATH": "/nowhere"})


def test_a_java_that_is_too_old_is_named_with_its_version(tmp_path: Path) -> None:
    home = java_that_says(tmp_path, 'java version "1.8.0_392"')
    with pytest.raises(UserError, match=rf"Java 17 or newer, and {home}/bin/java is Java 8: install"):
        require_java({"JAVA_HOME": home})


def test_a_java_that_cannot_run_or_tells_no_version_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"/nowhere/bin/java cannot be run"):
        require_java({"JAVA_HOME": "/nowhere"})
    home = java_that_says(tmp_path, "hello")
    with pytest.raises(UserError, match="is of no version that it tells"):
        require_java({"JAVA_HOME": home})
    (tmp_path / "broken").mkdir()
    with pytest.raises(UserError, match="cannot be run"):
        require_java({"JAVA_HOME": java_that_says(tmp_path / "broken", "libjli.so is missing", code=1)})


def test_a_running_jvm_of_spark_submit_is_enough() -> None:
    assert require_java({"PYSPARK_GATEWAY_PORT": "1234", "PATH": "/nowhere"}) == 0


def test_a_job_ends_with_2_before_spark_starts(repository: Path, tmp_path: Path) -> None:
    home = java_that_says(tmp_path, 'openjdk version "11.0.2" 2019')
    job = (
        "import sys\n"
        "from corpus.engine.cli import run_job\n"
        "from corpus.engine.config import JobConfig\n"
        "from corpus.engine.session import get_session\n"
        "sys.exit(run_job(JobConfig, lambda config: get_session('x'), description=''))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository), "JAVA_HOME": home}
    environment.pop("PYSPARK_GATEWAY_PORT", None)
    command = [sys.executable, "-c", job, "output=o"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: Spark needs Java 17 or newer")
    assert ended.stderr.count("\n") == 1
