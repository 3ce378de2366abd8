from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training import support


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Sums in one order, here as in the processes that the tests start."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return support.write_shards(tmp_path_factory.mktemp("shards"))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return support.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, shards: Path, model: Path
) -> tuple[list[str], list[dict[str, Any]]]:
    """A run on one rank from start to end: its command line and its steps. Only to be read."""
    arguments = support.words(shards, model, tmp_path_factory.mktemp("undisturbed"))
    return arguments, support.train(arguments)
