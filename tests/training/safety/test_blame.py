"""A loss that is not finite: the weights stay as they were, and the document that made it is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file

from corpus.engine.errors import EXIT_DATA
from tests.training.support import (
    VOCABULARY,
    launch,
    steps_of,
    train,
    words,
    write_model,
    write_shards,
    write_source,
)
from training.run import main

POISON = VOCABULARY - 1  # a token that one document holds, with a weight that is not finite


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Shards, a model, and what the one bad document in them is called."""
    root = tmp_path_factory.mktemp("poisoned")
    shards = write_shards(root / "shards")
    file = shards / "code" / "part-00000.parquet"
    documents = [[min(i, POISON - 1) for i in ids] for ids in pq.read_table(file)["input_ids"].to_pylist()]
    documents[77][5] = POISON
    for other in [*shards.glob("agent/*.parquet"), *shards.parent.glob("heldout/*/*.parquet")]:
        clean = [[min(i, POISON - 1) for i in ids] for ids in pq.read_table(other)["input_ids"].to_pylist()]
        write_source(other.parent / "new", clean)
        (other.parent / "new" / "part-00000.parquet").rename(other)
        (other.parent / "new").rmdir()
    write_source(shards / "code", documents, group=64)
    (shards.parent / "manifest.json").unlink()
    (shards.parent / "_SUCCESS").unlink()
    model = write_model(root / "model")
    train(words(shards, model, root / "first", "tokens=256", "heldout.rows=0"))
    weights = next((root / "first" / "export").glob("*.safetensors"))
    tensors = load_file(weights)
    tensors["model.embed_tokens.weight"][POISON] = float("inf")
    save_file(tensors, weights, {"format": "pt"})
    return shards, root / "first" / "export", "source 'code' file code/part-00000.parquet row 77"


KEYS = (f"tokens={8 * 32 * 60}", "weights={agent: 1, code: 2}", "heldout.rows=0", "checkpoint.every=1000")


def test_the_document_is_named_and_no_update_was_made(
    poisoned: tuple[Path, Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards, model, name = poisoned
    arguments = words(shards, model, tmp_path / "run", *KEYS)
    assert main(arguments) == EXIT_DATA
    said = capsys.readouterr().err
    rows = steps_of(arguments)
    assert f"step {len(rows) + 1}: loss nan" in said and "were not changed" in said
    assert f"It comes from {name}." in said
    assert all(np.isfinite(row["loss"]) for row in rows)


@pytest.mark.slow
def test_all_ranks_stop_and_the_same_document_is_named(
    poisoned: tuple[Path, Path, str], tmp_path: Path
) -> None:
    shards, model, name = poisoned
    process = launch(words(shards, model, tmp_path / "run", *KEYS, "log.every=4", "micro_rows=2"), ranks=2)
    output, _ = process.communicate(timeout=180)
    assert process.returncode != 0 and name in output
    assert not list((tmp_path / "run" / "checkpoints").iterdir())


def test_weights_that_ran_away_are_not_blamed_on_a_document(
    shards: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ("optimiser.lr=1e30", "optimiser.clip=0", "schedule.warmup=0")
    assert main(words(shards, model, tmp_path / "run", *keys)) == EXIT_DATA
    assert "8 of 8 rows have such a loss, so the weights have run away" in capsys.readouterr().err
