"""Who may import whom. The rules of the house are read from the import statements of every module that is there.

`import x` inside functions counts like one at the top. Imports under `if TYPE_CHECKING:` are followed for the
question who knows whom by name (rules), and left out of what is loaded at run time (closure).
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGES = ("corpus", "training", "jobs")
TRAINING_MAY_USE = {
    f"corpus.engine.{name}"
    for name in (
        *("config", "errors", "cli", "manifest", "storage", "progress", "tables", "java", "overrides"),
        *("web", "attempts"),  # shards on the web
    )
}
JOB_LINES = 80


@dataclass(frozen=True)
class Import:
    """One import: the module that holds it, the dotted name that it asks for, and whether only for types."""

    module: str
    target: str
    line: int
    typing_only: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def modules_of(root: Path) -> dict[str, Path]:
    """Dotted name -> file, for all Python files of the three packages."""
    found = {}
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports_of(name: str, file: Path, known: set[str]) -> Iterator[Import]:
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if _asks_type_checking(node)
        for b in node.body
        for inner in ast.walk(b)
    }
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(
                [*package[: len(package) - node.level + 1], node.module or ""]
                if node.level
                else [node.module or ""]
            )
            base = base.rstrip(".")
            # `from a import b` asks for the module a.b where there is one, and for a in any case
            inner = [f"{base}.{alias.name}" for alias in node.names if f"{base}.{alias.name}" in known]
            targets = inner if len(inner) == len(node.names) else [*inner, base]
        else:
            continue
        for target in targets:
            yield Import(name, target, node.lineno, id(node) in typing_only)
    for node in ast.walk(tree):
        if _imports_by_name(node):
            yield Import(name, node.args[0].value, node.lineno, False)


def _asks_type_checking(node: ast.AST) -> bool:
    if not isinstance(node, ast.If):
        return False
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _imports_by_name(node: ast.AST) -> bool:
    """`importlib.import_module("x")` and `__import__("x")` with a constant name."""
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return called in ("import_module", "__import__") and isinstance(node.args[0].value, str)


def is_below(target: str, package: str) -> bool:
    return target == package or target.startswith(package + ".")


def is_forge(module: str) -> bool:
    return is_below(module, "corpus.forge") or module.startswith("corpus.forge_")


def knows_spark(module: str) -> bool:
    """The modules that may import pyspark, and that only their like may import."""
    return is_below(module, "corpus") and (module.endswith(".stage") or module == "corpus.engine.session")


def violations(root: Path) -> list[str]:
    """Every broken rule of the tree below `root`, each as a line that names file, line and rule."""
    files = modules_of(root)
    imports = [i for name, file in files.items() for i in imports_of(name, file, set(files))]
    broken = [f"{i}: {rule}" for i in imports if (rule := broken_rule(i))]
    graph: dict[str, list[str]] = {name: [] for name in files}
    for found in imports:
        if not found.typing_only:
            graph[found.module].append(found.target)
    for name in files:
        if is_below(name, "training") and (path := way_to_spark(name, graph)):
            broken.append(f"{' -> '.join(path)}: training must not reach pyspark")
    for name, file in files.items():
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if is_below(name, "jobs") and lines > JOB_LINES:
            broken.append(f"{name} has {lines} lines: a job holds at most {JOB_LINES}")
    return broken


def broken_rule(found: Import) -> str:
    module, target = found.module, found.target
    spark = is_below(target, "pyspark")
    if is_below(module, "corpus"):
        if is_below(target, "training"):
            return "corpus must not import training"
        if spark and not knows_spark(module):
            return "only stage.py and the session know Spark"
        if knows_spark(target) and not (knows_spark(module) or is_forge(module)):
            return "core modules must not import a stage or the session"
    if is_below(module, "training"):
        if spark:
            return "training must not import pyspark"
        if is_below(target, "corpus") and target not in TRAINING_MAY_USE:
            return "training may use only the Spark-free parts of corpus.engine"
    return ""


def way_to_spark(start: str, graph: dict[str, list[str]]) -> list[str]:
    """A chain of run time imports from `start` to pyspark, empty where there is none."""
    before: dict[str, str] = {start: ""}
    waiting = [start]
    while waiting:
        module = waiting.pop(0)
        parents = [
            ".".join(module.split(".")[:n]) for n in range(1, module.count(".") + 1)
        ]  # their __init__ runs
        for target in [*graph.get(module, []), *parents]:
            if target in before:
                continue
            before[target] = module
            if is_below(target, "pyspark"):
                path = [target]
                while before[path[0]]:
                    path.insert(0, before[path[0]])
                return path
            waiting.append(target)
    return []


def test_the_rules_of_the_house_hold(repository: Path) -> None:
    assert violations(repository) == []


def test_the_walk_sees_the_packages(repository: Path) -> None:
    seen = modules_of(repository)
    assert {"corpus", "corpus.engine.stage", "training"} <= set(seen)
    spark = {
        i.module
        for n, f in seen.items()
        for i in imports_of(n, f, set(seen))
        if is_below(i.target, "pyspark")
    }
    assert {"corpus.engine.stage", "corpus.engine.session"} <= spark


PLANTED = [
    ("corpus/a/core.py", "import training", "corpus must not import training"),
    ("corpus/a/core.py", "def f():\n    from training.loop import run", "corpus must not import training"),
    (
        "corpus/a/core.py",
        "from pyspark.sql import functions as F",
        "only stage.py and the session know Spark",
    ),
    (
        "corpus/a/core.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pyspark",
        "only stage.py and",
    ),
    (
        "corpus/a/core.py",
        "import importlib\nx = importlib.import_module('pyspark.sql')",
        "only stage.py and the session",
    ),
    ("corpus/a/core.py", "from corpus.a.stage import run", "core modules must not import a stage"),
    ("corpus/a/core.py", "from corpus.a import stage", "core modules must not import a stage"),
    ("corpus/a/core.py", "from . import stage", "core modules must not import a stage"),
    ("corpus/a/core.py", "def f():\n    from .stage import run", "core modules must not import a stage"),
    (
        "corpus/a/core.py",
        "from corpus.engine.session import get_session",
        "core modules must not import a stage",
    ),
    ("training/x.py", "import pyspark", "training must not import pyspark"),
    ("training/x.py", "from corpus.a.core import f", "training may use only the Spark-free parts"),
    ("training/x.py", "from corpus.engine import stage", "training may use only the Spark-free parts"),
    ("training/x.py", "from corpus import __version__", "training may use only the Spark-free parts"),
    ("corpus/engine/config.py", "from corpus.a import stage", "training must not reach pyspark"),
    ("corpus/engine/__init__.py", "import corpus.a.stage", "training must not reach pyspark"),
    ("jobs/long.py", "\n".join(["x = 1"] * 81), "jobs.long has 81 lines"),
]


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """A tree that keeps all rules and uses what they allow."""
    files = {
        "corpus/__init__.py": "__version__ = '0'",
        "corpus/engine/__init__.py": "",
        "corpus/engine/config.py": "import dataclasses",
        "corpus/engine/session.py": "import pyspark",
        "corpus/a/__init__.py": "",
        "corpus/a/core.py": "from corpus.engine import config\nimport re",
        "corpus/a/stage.py": "from pyspark.sql import DataFrame\nfrom corpus.engine.session import get_session\nfrom . import core",
        "corpus/b/stage.py": "from corpus.a.stage import run",
        "corpus/forge.py": "from corpus.a.stage import run",
        "training/__init__.py": "",
        "training/x.py": "from corpus.engine.config import build\nfrom corpus.engine import config\nfrom . import y",
        "training/y.py": "",
        "jobs/a.py": "from corpus.a.stage import run",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_what_the_rules_allow_passes(small_tree: Path) -> None:
    assert violations(small_tree) == []


@pytest.mark.parametrize(("file", "text", "rule"), PLANTED)
def test_a_planted_violation_is_caught(small_tree: Path, file: str, text: str, rule: str) -> None:
    (small_tree / file).write_text(text)
    assert any(rule in line for line in violations(small_tree)), violations(small_tree)


LOAD = """
import importlib, importlib.util, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("corpus", "training"):
            raise
        print("left out", name, "for want of", error.name)
    assert "pyspark" not in sys.modules, name
"""


@pytest.mark.parametrize("package", ["corpus", "training"])
def test_core_modules_load_without_spark(repository: Path, package: str) -> None:
    """The check by static names, done once more by the interpreter itself."""
    names = [
        n for n in modules_of(repository) if is_below(n, package) and not knows_spark(n) and not is_forge(n)
    ]
    # scripts of interpreters that have other packages are no modules of ours
    names = [n for n in names if not n.endswith("__main__") and ".peers." not in n]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    command = [sys.executable, "-c", LOAD, *names]
    loaded = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    left_out = [
        line.split()[-1].split(".")[0] for line in loaded.stdout.splitlines() if line.startswith("left out")
    ]
    assert set(left_out) <= {"torch", "transformers", "safetensors", "sentence_transformers", "matplotlib"}, (
        loaded.stdout
    )
