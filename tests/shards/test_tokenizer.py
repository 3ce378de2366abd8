from __future__ import annotations

import random
from pathlib import Path

import pytest

from corpus.engine.errors import UserError
from corpus.shards import tokenizer as tokenizers

TEXTS = [
    "def add(a, b):\n    return a + b\n",
    "GET /pets/{id} returns a pet.",
    "Grüße, 世界",
    "curl -X POST",
] * 40


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("tokenizer"))
    tokenizers.resolve("bpe:512", TEXTS, folder)
    return folder


def test_training_does_not_depend_on_the_order_of_texts(small: str, tmp_path: Path) -> None:
    shuffled = random.Random(1).sample(TEXTS, len(TEXTS))
    assert tokenizers.resolve("bpe:512", shuffled, str(tmp_path)).sha256 == tokenizers.load(small).sha256


def test_every_document_ends_with_exactly_one_end_token(small: str) -> None:
    tok = tokenizers.load(small)
    for ids in tok.encode(["", "a", *TEXTS]).to_pylist():
        assert ids[-1] == tok.eos_id and ids.count(tok.eos_id) == 1


def test_name_of_a_special_token_inside_text_is_only_text(small: str) -> None:
    tok = tokenizers.load(small)
    ids = tok.encode([f"before {tokenizers.END_OF_TEXT} after"]).to_pylist()[0]
    assert ids.count(tok.eos_id) == 1
    assert tok.tokenizer.decode(ids[:-1]) == f"before {tokenizers.END_OF_TEXT} after"


def test_encoding_is_lossless(small: str) -> None:
    tok = tokenizers.load(small)
    for text in TEXTS[:4]:
        assert tok.tokenizer.decode(tok.encode([text]).to_pylist()[0][:-1]) == text


@pytest.mark.parametrize("name", ["gpt-neox", "starcoder"])
def test_real_tokenizers_are_taken_as_they_are(name: str, shared_data: Path, tmp_path: Path) -> None:
    tok = tokenizers.resolve(str(shared_data / "tokenizers" / name), [], str(tmp_path))
    ids = tok.encode(["def f(): pass <|endoftext|>"]).to_pylist()[0]
    assert ids.count(tok.eos_id) == 1 and max(ids) < tok.vocab_size
    assert (tmp_path / "tokenizer.json").read_bytes() == (
        shared_data / "tokenizers" / name / "tokenizer.json"
    ).read_bytes()


@pytest.mark.parametrize("spec", ["bpe:10", "bpe:many"])
def test_vocabulary_that_makes_no_sense_is_refused(spec: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="bpe:4096"):
        tokenizers.resolve(spec, TEXTS, str(tmp_path))


def test_folder_without_tokenizer_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no tokenizer\.json"):
        tokenizers.load(str(tmp_path))


def test_file_that_is_no_tokenizer_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match="is not a tokenizer"):
        tokenizers.load(str(tmp_path))
