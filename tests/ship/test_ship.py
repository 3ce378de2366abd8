"""What is shipped works elsewhere, and is the same each time."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.ship.archive import pack
from corpus.ship.config import ShipConfig
from corpus.ship.interpreter import copy_interpreter
from corpus.ship.run import build_wheel, ship

_BARE = {"PATH": "/usr/bin:/bin"}  # nothing of the environment that runs the tests


def test_a_copied_python_runs_by_itself_and_in_another_folder(tmp_path: Path) -> None:
    site = copy_interpreter(tmp_path / "made")
    (site / "shipped.py").write_text("WORD = 'here'")
    (tmp_path / "made").rename(tmp_path / "moved")
    words = "import json, shipped, sqlite3, ssl, sys; print(shipped.WORD, sys.prefix)"
    command = [str(tmp_path / "moved" / "bin" / "python"), "-c", words]
    done = subprocess.run(command, capture_output=True, text=True, env=_BARE, check=True, cwd="/")
    assert done.stdout.split() == ["here", str(tmp_path / "moved")]


def test_equal_folders_give_equal_archives(tmp_path: Path) -> None:
    for name, mode in (("one", 0o664), ("two", 0o600)):
        folder = tmp_path / name
        (folder / "b").mkdir(parents=True)
        (folder / "b" / "text").write_text("x")
        (folder / "a").write_text("program")
        (folder / "b" / "text").chmod(mode)
        (folder / "a").chmod(0o755)
        os.utime(folder / "a", (len(name), mode))
        pack(folder, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        assert [(entry.name, entry.mode) for entry in archive] == [
            ("a", 0o755),
            ("b", 0o755),
            ("b/text", 0o644),
        ]


@pytest.mark.slow  # pip builds in an environment of its own
def test_a_wheel_holds_the_project_and_nothing_that_lies_about(repository: Path, tmp_path: Path) -> None:
    import zipfile

    wheels = [build_wheel(repository, tmp_path / name) for name in ("one", "two")]
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    with zipfile.ZipFile(wheels[0]) as wheel:
        names = wheel.namelist()
    tracked = {
        path.relative_to(repository).as_posix()
        for package in ("corpus", "training")
        for path in (repository / package).rglob("*.py")
    }
    assert {name for name in names if name.endswith(".py")} == tracked


def test_each_package_of_the_base_is_pinned_by_hash_and_as_it_is_tested(repository: Path) -> None:
    locked = (repository / "conf" / "cluster" / "requirements.txt").read_text()
    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", locked, re.MULTILINE))
    assert locked.count("==") <= locked.count("--hash=sha256:")
    tested = re.findall(r"^([\w.-]+)==([^\s;]+)", (repository / "constraints.txt").read_text(), re.MULTILINE)
    wanted = {(name.lower().replace("_", "-"), version) for name, version in tested}
    differ = {
        name for name, version in pins.items() if name in dict(wanted) and (name, version) not in wanted
    }
    assert not differ and {"pyspark", "pyarrow", "trafilatura"} <= set(pins)


@pytest.mark.parametrize(
    ("words", "said"), [({"extras": ["dev"]}, "embed and train"), ({"project": "/nowhere"}, "pyproject.toml")]
)
def test_what_cannot_be_shipped_is_one_sentence(tmp_path: Path, words: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        ship(build(ShipConfig, {"output": str(tmp_path / "dist"), **words}))
