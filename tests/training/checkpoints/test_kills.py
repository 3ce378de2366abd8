"""SIGKILL in the middle of real runs: what is resumed is bit by bit what it would have been."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.training import processes
from tests.training.support import promised, steps_of, words

KEYS = (f"tokens={8 * 32 * 6}", "checkpoint.every=2", "heldout.rows=2", "workers=0")
Whole = tuple[list[dict[str, Any]], bytes, int]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, shards: Path, model: Path) -> Whole:
    """Steps and weights of an undisturbed run, and the number of its write points."""
    folder = tmp_path_factory.mktemp("whole")
    arguments = words(shards, model, folder / "run", *KEYS)
    assert processes.run(processes.train, arguments, None, str(folder / "trace")) == 0
    return (
        promised(steps_of(arguments)),
        weights_of(folder / "run"),
        len(processes.points_of(folder / "trace")),
    )


def weights_of(output: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted((output / "export").glob("*.safetensors")))


def die_twice_and_finish(arguments: list[str], output: Path, first: int, second: int, whole: Whole) -> None:
    assert processes.run(processes.train, arguments, first, None) == -signal.SIGKILL
    # The second launch has less to write, so it may end before it reaches its point.
    assert processes.run(processes.train, arguments, second, None) in (-signal.SIGKILL, 0)
    assert processes.run(processes.train, arguments, None, None) == 0
    assert promised(steps_of(arguments)) == whole[0]
    assert weights_of(output) == whole[1]
    assert not list(output.rglob("*tmp*"))


@pytest.mark.parametrize(("first", "second"), [(0.35, 0.3), (0.6, 0.2), (0.97, 0.02)])
def test_a_run_killed_twice_ends_with_the_same_bits(
    shards: Path, model: Path, tmp_path: Path, whole: Whole, first: float, second: float
) -> None:
    arguments = words(shards, model, tmp_path / "run", *KEYS)
    die_twice_and_finish(arguments, tmp_path / "run", int(first * whole[2]), int(second * whole[2]), whole)


@pytest.mark.slow
def test_a_run_killed_at_every_ninth_write_point_ends_with_the_same_bits(
    shards: Path, model: Path, tmp_path: Path, whole: Whole
) -> None:
    for point in range(1, whole[2], 9):
        output = tmp_path / f"at-{point}"
        die_twice_and_finish(words(shards, model, output, *KEYS), output, point, whole[2] - point + 1, whole)
