"""Build the wheel, install it with its packages into a copy of Python, pack that."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from corpus.engine.errors import UserError
from corpus.ship.archive import pack
from corpus.ship.config import ShipConfig
from corpus.ship.interpreter import copy_interpreter, name

ARCHIVE = "environment.tar.gz"
_EPOCH = "1577836800"  # the time that files in the wheel bear: equal sources give equal wheels
_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "corpus", "training")
# Spark's own Java classes are on every node of a cluster; the others are for building and testing.
_LEFT_OUT = (
    *("pyspark/jars", "pyspark/examples", "pyspark/data", "pandas/tests", "pyarrow/tests", "pyarrow/include"),
    *("numpy/_core/tests", "bin"),
)


def ship(config: ShipConfig) -> str:
    """Make both in `output`; returns what was made and how it is used."""
    project, output = Path(config.project).resolve(), Path(config.output)
    if not (project / "pyproject.toml").is_file():
        raise UserError(f"project={config.project} holds no pyproject.toml; name the project's folder.")
    wheel = build_wheel(project, output)
    with tempfile.TemporaryDirectory(prefix="hephaestus-forge-") as scratch:
        tree = Path(scratch, "environment")
        site = copy_interpreter(tree)
        install(site, wheel, config, project)
        _compile(tree / "lib" / name())
        _check(tree)
        pack(tree, output / ARCHIVE)
    return "\n".join(_said(output / ARCHIVE, wheel))


def plan(config: ShipConfig) -> str:
    """What --dry-run prints."""
    extras = f" and the extras {', '.join(config.extras)}" if config.extras else ""
    return (
        f"ship: the wheel and {name()} with the packages of {config.requirements}{extras} -> {config.output}"
    )


def build_wheel(project: Path, output: Path) -> Path:
    """Built from a copy: in the project's own folder the remains of an earlier build would come along."""
    with tempfile.TemporaryDirectory(prefix="hephaestus-forge-") as scratch:
        source, made = Path(scratch, "source"), Path(scratch, "made")
        source.mkdir()
        output.mkdir(parents=True, exist_ok=True)
        for part in _SOURCES:
            copy = shutil.copytree if (project / part).is_dir() else shutil.copy
            copy(project / part, source / part)
        _pip("wheel", "--no-deps", "--wheel-dir", str(made), str(source))
        (wheel,) = made.glob("*.whl")
        return Path(shutil.move(wheel, output / wheel.name))


def install(site: Path, wheel: Path, config: ShipConfig, project: Path) -> None:
    """The extras by version; the base, pinned by hash, over what they brought of it; the project itself."""
    into = ("install", "--target", str(site), "--no-compile", "--upgrade")
    if config.extras:
        constraints = ("-c", str(project / config.constraints))
        _pip(*into, *constraints, f"{wheel}[{','.join(config.extras)}]")
    _pip(*into, "--no-deps", "--require-hashes", "-r", str(project / config.requirements))
    _pip(*into, "--no-deps", str(wheel))
    for left in _LEFT_OUT:
        shutil.rmtree(site / left, ignore_errors=True)
    for told in site.glob("*.dist-info/direct_url.json"):  # the folder of this very build
        told.unlink()
        record = told.with_name("RECORD")
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = (line for line in lines if "/direct_url.json," not in line)
        record.write_text("".join(kept), encoding="utf-8")


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    same = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=same)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise UserError(f"pip {words[0]} failed: {said[-1] if said else 'it says nothing'}")


def _compile(library: Path) -> None:
    """Byte code beside the sources, else each worker of each job would compile them anew.

    Its validity is not told by times, which an archive does not keep.
    """
    words = ("-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash")
    # some packages carry templates that are no Python yet: they are named, and the rest is compiled
    subprocess.run(
        [sys.executable, *words, "-s", str(library), str(library)], capture_output=True, check=False
    )


def _check(tree: Path) -> None:
    """The copy must run by itself: with nothing of the environment that has made it."""
    words: Sequence[str] = ("-c", "import corpus, pyarrow, pyspark, ssl, sys; print(sys.prefix)")
    done = subprocess.run(
        [str(tree / "bin" / "python"), *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/bin:/usr/bin"},
    )
    if done.returncode or Path(done.stdout.strip()) != tree.resolve():
        said = (done.stderr.strip().splitlines() or [f"its prefix is {done.stdout.strip()}"])[-1]
        raise UserError(f"this Python ({sys.base_prefix}) does not work as a copy: {said}")


def _said(archive: Path, wheel: Path) -> list[str]:
    with open(archive, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else ""
    return [
        f"{wheel}  {wheel.stat().st_size:,} bytes",
        f"{archive}  {archive.stat().st_size:,} bytes" + (f"  sha256 {digest}" if digest else ""),
        "spark-submit --master MASTER \\",
        f"  --archives {archive}#environment \\",
        "  --conf spark.pyspark.python=./environment/bin/python jobs/filter.py input=... output=...",
    ]
