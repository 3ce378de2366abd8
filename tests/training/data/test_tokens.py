from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine.errors import DataError, UserError
from corpus.shards import tokenizer as shard_tokenizer
from tests.training import support
from tests.training.support import finish_stage
from training.data.documents import Reader
from training.data.loader import Loader
from training.data.shards import open_set
from training.data.tokens import Tokenizer, find_tokenizer, gives_same_ids
from training.plan import make_plan

TEXTS = ["def f(x): return x", "GET /v1/users lists the users", "", "call(tool='search', q='weather')"] * 5


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One set as text alone and one with input_ids, both beside a manifest that names the tokenizer."""
    from tokenizers import Tokenizer as FastTokenizer
    from tokenizers import models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    root = tmp_path_factory.mktemp("workspace")
    made = FastTokenizer(models.BPE())
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
    digest = hashlib.sha256((root / "tokenizer" / "tokenizer.json").read_bytes()).hexdigest()
    facts = {"path": "tokenizer", "vocab_size": made.get_vocab_size(), "eos_token_id": 0, "sha256": digest}
    finish_stage(root, {"sets": {}, "tokenizer": facts})
    return root


def test_text_tokenised_while_reading_gives_the_ids_of_the_shard_job(workspace: Path) -> None:
    read = []
    for name in ("text", "ids"):
        shards = open_set(str(workspace / name))
        found = Reader(find_tokenizer(shards, None), None).read(shards.sources[0].files[0], 0)
        read.append((found.values.tolist(), found.offsets.tolist()))
    assert read[0] == read[1]


HOSTILE = ["a page that quotes <eos> and goes on", "<eos>", "<eos", "eos>", "", "plain"]


def test_a_special_token_that_a_text_quotes_stays_text(workspace: Path) -> None:
    tokenizer = Tokenizer(str(workspace / "tokenizer"), None, None, None)
    ids, offsets = tokenizer.encode(HOSTILE)
    ends = offsets[1:][np.diff(offsets) > 0] - 1
    assert np.flatnonzero(ids == 0).tolist() == ends.tolist()
    letters = "".join(tokenizer.loaded.convert_ids_to_tokens(ids[: ends[0]].tolist()))
    assert letters.replace("Ġ", " ") == HOSTILE[0]


@pytest.mark.parametrize("name", ["gpt-neox", "starcoder"])
def test_real_tokenizers_give_the_ids_of_the_shard_job(shared_data: Path, name: str) -> None:
    folder = str(shared_data / "tokenizers" / name)
    texts = [
        "a  b   c\n\t1234567",
        "x <|endoftext|> y<fim_prefix>",
        "Ünïcödé \u202e 😀",
        "def f():\n    return 1\n" * 50,
    ]
    ids, offsets = Tokenizer(folder, None, None, None).encode(texts)
    expected = shard_tokenizer.load(folder).encode(texts)
    assert ids.tolist() == expected.values.to_pylist() and offsets.tolist() == expected.offsets.to_pylist()


def test_another_tokenizer_than_that_of_the_ids_is_refused(workspace: Path, tmp_path: Path) -> None:
    shards = open_set(str(workspace / "ids"))
    assert find_tokenizer(shards, str(workspace / "tokenizer")).eos == 0
    data = json.loads((workspace / "tokenizer" / "tokenizer.json").read_text())
    data["model"]["merges"] = data["model"]["merges"][:-1]
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(UserError, match="not the tokenizer of the shards"):
        find_tokenizer(shards, str(tmp_path))


def test_the_same_tokenizer_in_another_spelling_is_taken(workspace: Path, tmp_path: Path) -> None:
    data = json.loads((workspace / "tokenizer" / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps({**data, "post_processor": None}, indent=4))
    assert gives_same_ids(tmp_path, find_tokenizer(open_set(str(workspace / "ids")), None))


def test_a_tokenizer_that_changed_behind_the_manifest_is_refused(workspace: Path, tmp_path: Path) -> None:
    stage = shutil.copytree(workspace, tmp_path / "shards")
    file = stage / "tokenizer" / "tokenizer.json"
    file.write_text(file.read_text() + " ")
    with pytest.raises(DataError, match=r"tokenizer\.json is not the tokenizer that the manifest"):
        find_tokenizer(open_set(str(stage / "text")), None)


def test_a_file_that_is_no_tokenizer_is_named(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"tokenizer\.json is not a tokenizer"):
        gives_same_ids(tmp_path, find_tokenizer(open_set(str(workspace / "ids")), None))


@pytest.fixture(scope="module")
def export(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a short run on the workspace's ids."""
    root = tmp_path_factory.mktemp("stage1")
    support.train(stage(workspace, support.write_model(root / "model"), root / "run"))
    return root / "run" / "export"


def stage(workspace: Path, model: Path, output: Path, *, data: str = "ids") -> list[str]:
    return support.words(workspace / data, model, output, "tokens=512")


def test_stage_two_knows_the_tokenizer_of_the_export_of_stage_one(
    workspace: Path, export: Path, tmp_path: Path
) -> None:
    exported, original = (folder / "tokenizer.json" for folder in (export, workspace / "tokenizer"))
    assert exported.read_bytes() == original.read_bytes()
    support.train(stage(workspace, export, tmp_path / "run"))


def test_weights_with_another_tokenizer_than_the_shards_are_refused(
    workspace: Path, export: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(export, tmp_path / "model")
    data = json.loads((model / "tokenizer.json").read_text())
    vocabulary = data["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]  # as large as before, other ids
    (model / "tokenizer.json").write_text(json.dumps(data))
    for name in ("ids", "text"):
        with pytest.raises(UserError, match=f"another tokenizer.*shard again with tokenizer={model}"):
            make_plan(support.config_of(stage(workspace, model, tmp_path / "run", data=name)))
    given = [*stage(workspace, model, tmp_path / "run", data="text"), f"tokenizer={model}"]
    assert make_plan(support.config_of(given)).tokenizer.path == str(model)


def test_weights_without_a_tokenizer_are_held_to_its_size_alone(
    workspace: Path, export: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(export, tmp_path / "model")
    (model / "tokenizer.json").unlink()
    make_plan(support.config_of(stage(workspace, model, tmp_path / "run")))
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "vocab_size": 7}))
    with pytest.raises(UserError, match="has 7 embedding rows"):
        make_plan(support.config_of(stage(workspace, model, tmp_path / "run")))


def test_text_without_a_tokenizer_is_answered_with_the_key_to_give(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "set").symlink_to(workspace / "text")
    shards = open_set(str(tmp_path / "set"))
    with pytest.raises(UserError, match="give tokenizer="):
        Loader(shards, find_tokenizer(shards, None), rows=1, length=8, seed=1).next()
