from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine.errors import UserError
from training.loader import Loader
from training.shards import open_set
from training.tokens import find_tokenizer

TEXTS = ["def f(x): return x", "GET /v1/users lists the users", "", "call(tool='search', q='weather')"] * 5


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One set as text alone and one with input_ids, both beside a manifest that names the tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    root = tmp_path_factory.mktemp("workspace")
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=300, special_tokens=["<eos>"], initial_alphabet=alphabet)
    )
    PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>").save_pretrained(root / "tokenizer")
    ids = [[*made.encode(text).ids, 0] if text else [] for text in TEXTS]
    for name, columns in (
        ("text", {"text": TEXTS}),
        ("ids", {"input_ids": pa.array(ids, pa.list_(pa.int32()))}),
    ):
        (root / name / "only").mkdir(parents=True)
        pq.write_table(pa.table(columns), root / name / "only" / "part-00000.parquet")
    facts = {"path": "tokenizer", "vocab_size": made.get_vocab_size(), "eos_token_id": 0, "sha256": "0"}
    (root / "manifest.json").write_text(json.dumps({"facts": {"sets": {}, "tokenizer": facts}}))
    return root


def test_text_tokenised_while_reading_gives_the_rows_of_input_ids(workspace: Path) -> None:
    hashes = []
    for name in ("text", "ids"):
        shards = open_set(str(workspace / name))
        loader = Loader(shards, find_tokenizer(shards, None), rows=4, length=16, seed=1)
        hashes.append([digest for _ in range(12) for digest in loader.next().digests()])
    assert hashes[0] == hashes[1]


def test_another_tokenizer_than_that_of_the_ids_is_refused(workspace: Path, tmp_path: Path) -> None:
    shards = open_set(str(workspace / "ids"))
    assert find_tokenizer(shards, str(workspace / "tokenizer")).eos == 0
    data = json.loads((workspace / "tokenizer" / "tokenizer.json").read_text())
    data["model"]["merges"] = data["model"]["merges"][:-1]
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(UserError, match="not the tokenizer of the shards"):
        find_tokenizer(shards, str(tmp_path))


def test_text_without_a_tokenizer_is_answered_with_the_key_to_give(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "set").symlink_to(workspace / "text")
    shards = open_set(str(tmp_path / "set"))
    with pytest.raises(UserError, match="give tokenizer="):
        Loader(shards, find_tokenizer(shards, None), rows=1, length=8, seed=1).next()
