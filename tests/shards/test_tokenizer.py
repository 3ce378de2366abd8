from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from corpus.engine.errors import DataError, UserError
from corpus.shards import tokenizer as tokenizers
from corpus.shards.tokenising import finding
from corpus.shards.tokenizer import DocumentTokenizer, load

TEXTS = [
    "def add(a, b):\n    return a + b\n",
    "GET /pets/{id} returns a pet.",
    "Grüße, 世界",
    "curl -X POST",
] * 40
REAL = ("gpt-neox", "starcoder")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("tokenizer"))
    finding.resolve("bpe:512", TEXTS, folder)
    return folder


@pytest.fixture(scope="module", params=REAL)
def real(request: pytest.FixtureRequest, shared_data: Path) -> DocumentTokenizer:
    return load(str(shared_data / "tokenizers" / request.param))


def save(folder: Path, tokenizer: Tokenizer, **settings: object) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return str(folder)


def test_every_document_ends_with_exactly_one_end_token(small: str) -> None:
    tok = load(small)
    for ids in tok.encode(["", "a", *TEXTS]).to_pylist():
        assert ids[-1] == tok.eos_id and ids.count(tok.eos_id) == 1


def test_name_of_a_special_token_inside_text_is_only_text(small: str) -> None:
    tok = load(small)
    ids = tok.encode([f"before {finding.END_OF_TEXT} after"]).to_pylist()[0]
    assert ids.count(tok.eos_id) == 1
    assert tok.tokenizer.decode(ids[:-1]) == f"before {finding.END_OF_TEXT} after"


def test_encoding_is_lossless(small: str) -> None:
    tok = load(small)
    for text in TEXTS[:4]:
        assert tok.tokenizer.decode(tok.encode([text]).to_pylist()[0][:-1]) == text


def test_all_special_tokens_of_real_tokenizers_are_text_inside_a_text(real: DocumentTokenizer) -> None:
    added = real.tokenizer.get_added_tokens_decoder()
    names = [token.content for token in added.values() if token.special]
    assert "<|endoftext|>" in names
    everything = "".join(names) + " and ".join(["", *names, ""]) + "\n".join(names)
    for text in (everything, *names, *(name + name for name in names)):
        ids = real.encode([text]).to_pylist()[0]
        assert not set(ids[:-1]) & {number for number, token in added.items() if token.special}
        assert ids[-1] == real.eos_id
        assert real.tokenizer.decode(ids[:-1], skip_special_tokens=False) == text


@pytest.mark.parametrize("name", REAL)
def test_real_tokenizers_are_taken_as_they_are(name: str, shared_data: Path, tmp_path: Path) -> None:
    given = shared_data / "tokenizers" / name
    tok = finding.resolve(str(given), [], str(tmp_path))
    ids = tok.encode(["def f(): pass <|endoftext|>"]).to_pylist()[0]
    assert ids.count(tok.eos_id) == 1 and max(ids) < tok.vocab_size
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (given / file.name).read_bytes()


def test_documents_are_encoded_as_the_library_does_it(real: DocumentTokenizer) -> None:
    texts = ["x", *TEXTS, "", "long " * 70_000, "\n\n  spaces   and\ttabs "]
    plain = real.tokenizer.encode_batch(texts, add_special_tokens=False)
    assert real.encode(texts).to_pylist() == [[*encoding.ids, real.eos_id] for encoding in plain]


def test_batches_are_bounded_by_characters(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tok = load(small)
    whole = tok.encode(TEXTS)
    monkeypatch.setattr(tokenizers, "BATCH_CHARACTERS", 50)
    batches = list(tok._batches(TEXTS))
    assert len(batches) > 40
    assert all(sum(len(text) for _, text in batch[:-1]) < 50 for batch in batches)
    assert tok.encode(TEXTS).equals(whole)


def test_an_empty_batch_has_no_lists(small: str) -> None:
    assert load(small).encode([]).to_pylist() == []


def test_more_ids_than_a_list_can_say_are_a_large_list(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tok = load(small)
    monkeypatch.setattr(tokenizers, "MOST_IN_LIST", 100)
    assert tok.encode(TEXTS[:1]).type == pa.list_(pa.int32())
    many = tok.encode(TEXTS)
    assert many.type == pa.large_list(pa.int32())
    assert many.to_pylist() == [tok.encode([text]).to_pylist()[0] for text in TEXTS]


def test_beginning_token_is_put_in_front_where_the_settings_ask_for_it(small: str, tmp_path: Path) -> None:
    plain = load(small)
    tokenizer = Tokenizer.from_str(plain.tokenizer.to_str())
    tokenizer.add_special_tokens(["<s>", "</s>"])
    folder = save(tmp_path, tokenizer, bos_token={"content": "<s>"}, eos_token="</s>", add_bos_token=True)
    tok = load(folder)
    ids = tok.encode(["say <s>hello</s>", ""]).to_pylist()
    assert [row[0] for row in ids] == [tokenizer.token_to_id("<s>")] * 2
    assert [row[-1] for row in ids] == [tokenizer.token_to_id("</s>")] * 2
    assert tok.tokenizer.decode(ids[0][1:-1]) == "say <s>hello</s>"
    assert not set(ids[0][1:-1]) & set(tok.special_ids)


def test_specials_that_the_model_itself_would_give_are_spelled_out(tmp_path: Path) -> None:
    """A model whose own vocabulary holds the end token finds it in a text, whatever the library is told."""
    pieces = ["</s>", "<unk>", *(chr(c) for c in range(33, 127)), "▁"]
    model = models.Unigram([(piece, -float(len(pieces) - n)) for n, piece in enumerate(pieces)], 1, False)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    assert tokenizer.token_to_id("</s>") in tokenizer.encode("a </s> b").ids
    tok = load(save(tmp_path, tokenizer, eos_token="</s>"))
    ids = tok.encode(["a</s>b", "plain"]).to_pylist()
    assert [row.count(tok.eos_id) for row in ids] == [1, 1]
    pieces_of = [tok.tokenizer.id_to_token(number) for number in ids[0][:-1]]
    assert "".join(pieces_of).replace("▁", "") == "a</s>b"


def test_separators_that_stand_for_unknown_characters_are_left_out(tmp_path: Path) -> None:
    model = models.WordLevel({"<|endoftext|>": 0, "a": 1, "b": 2}, unk_token="<|endoftext|>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tok = load(save(tmp_path, tokenizer, eos_token="<|endoftext|>"))
    assert tok.encode(["a what b"]).to_pylist() == [[1, 2, 0]]


def test_added_tokens_that_are_no_specials_stay_tokens(small: str, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_str(load(small).tokenizer.to_str())
    tokenizer.add_tokens([AddedToken("<tool_call>", special=False, normalized=False)])
    tok = load(save(tmp_path, tokenizer, eos_token="<|endoftext|>"))
    assert tokenizer.token_to_id("<tool_call>") in tok.encode(["x <tool_call> y"]).to_pylist()[0]


def test_a_dropout_is_switched_off(small: str, tmp_path: Path) -> None:
    definition = json.loads(Path(small, "tokenizer.json").read_text())
    definition["model"]["dropout"] = 0.5
    (tmp_path / "tokenizer.json").write_text(json.dumps(definition))
    tok = load(str(tmp_path))
    assert all(tok.encode(TEXTS).equals(load(small).encode(TEXTS)) for _ in range(3))


def test_truncation_and_padding_of_the_file_do_not_count(small: str, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_str(load(small).tokenizer.to_str())
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=50)
    assert load(save(tmp_path, tokenizer)).encode(TEXTS).equals(load(small).encode(TEXTS))


def test_a_document_of_a_million_tokens_is_one_list(small: str) -> None:
    tok = load(small)
    ids = np.asarray(tok.encode(["alpha beta gamma delta epsilon zeta eta\n" * 40_000]).values)
    assert len(ids) > 1_000_000
    assert (ids == tok.eos_id).sum() == 1 and ids[-1] == tok.eos_id


def test_folder_without_tokenizer_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no tokenizer\.json"):
        load(str(tmp_path))


def test_file_that_is_no_tokenizer_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match="is not a tokenizer"):
        load(str(tmp_path))


def test_tokenizer_without_end_token_says_how_to_name_one(tmp_path: Path) -> None:
    folder = save(tmp_path, Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))
    with pytest.raises(UserError, match="has no end token; name one as eos_token"):
        load(folder)


def test_end_token_may_stand_in_the_older_file(tmp_path: Path) -> None:
    folder = save(tmp_path, Tokenizer(models.WordLevel({"a": 0, "[END]": 1}, unk_token="a")))
    Path(folder, "special_tokens_map.json").write_text('{"eos_token": {"content": "[END]"}}')
    assert load(folder).eos_id == 1


def test_a_swapped_tokenizer_is_named(small: str, tmp_path: Path) -> None:
    folder = shutil.copytree(small, tmp_path / "tokenizer")
    known = load(str(folder)).sha256
    assert load(str(folder), known).sha256 == known
    finding.resolve("bpe:512", ["other words, and more of them"] * 9, str(folder))
    assert load(str(folder)).sha256 != known
    with pytest.raises(DataError, match="is not the tokenizer that this run began with"):
        load(str(folder), known)
