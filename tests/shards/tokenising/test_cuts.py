from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from corpus.shards import tokenizer as tokenizers
from corpus.shards.tokenising import cuts
from corpus.shards.tokenising.finding import train_bpe

WORDS = [
    "word",
    "don't",
    "it's",
    "I'll",
    "x1",
    "4,500",
    "日本",
    "é",
    "e\u0301",
    "  ",
    "\n\n",
    "\t",
    "'s",
    ";",
    "ß",
]
texts = st.lists(st.sampled_from([*WORDS, " a b", " c"]) | st.text(max_size=4), max_size=40).map(" ".join)
GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@given(texts, st.integers(0, 30))
def test_pieces_together_are_the_text(text: str, size: int) -> None:
    found = list(cuts.pieces(text, size))
    assert "".join(found) == text
    assert all(len(piece) >= size for piece in found[:-1])
    for before, after in pairwise(found):
        assert before[-1].isascii() and before[-1].isalpha()
        assert after[0] == " " and after[1].isascii() and after[1].isalpha()


def test_a_text_without_a_place_to_cut_stays_whole() -> None:
    assert list(cuts.pieces("x" * 5000, 10)) == ["x" * 5000]
    assert list(cuts.pieces("", 10)) == [""]


def by_pattern(pattern: str) -> Tokenizer:
    """A byte-level BPE whose words are those of `pattern`, trained on a little text."""
    tokenizer = train_bpe(["it's a word don't 4,500 I'll x1"] * 3, 400)
    steps = [
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(False, use_regex=False),
    ]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    return tokenizer


@settings(max_examples=60, deadline=None)
@given(texts)
@pytest.mark.parametrize("pattern", sorted(cuts._PATTERNS))
def test_pieces_have_the_tokens_of_the_whole(pattern: str, text: str) -> None:
    tokenizer = by_pattern(pattern)
    assert cuts.is_exact(tokenizer.to_str())
    pieces = tokenizer.encode_batch(list(cuts.pieces(text, 5)), add_special_tokens=False)
    whole = tokenizer.encode(text, add_special_tokens=False)
    assert [number for piece in pieces for number in piece.ids] == whole.ids


@pytest.mark.parametrize("name", ["gpt-neox", "starcoder"])
def test_pieces_of_real_texts_have_the_tokens_of_the_whole(
    name: str, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tok = tokenizers.load(str(shared_data / "tokenizers" / name))
    assert tok.cuts_are_exact
    files = sorted(Path(pytest.__file__).parents[1].glob("numpy/*.py"))[:6]
    files += [shared_data / "tokenizers" / name / "tokenizer.json"]
    documents = [file.read_text(encoding="utf-8")[:200_000] for file in files]
    whole = tok.tokenizer.encode_batch(documents, add_special_tokens=False)
    monkeypatch.setattr(tokenizers, "PIECE_CHARACTERS", 100)
    assert len(next(tok._batches(documents))) > 50
    assert [ids[:-1] for ids in tok.encode(documents).to_pylist()] == [encoding.ids for encoding in whole]


def definition(**parts: Any) -> str:
    """The tokenizer.json of a byte-level BPE with some parts exchanged."""
    tokenizer = train_bpe(["some words"], 300)
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer.to_str()


@pytest.mark.parametrize(
    "parts",
    [
        {"pre_tokenizer": None},
        {"pre_tokenizer": pre_tokenizers.ByteLevel(use_regex=False)},
        {"pre_tokenizer": pre_tokenizers.Metaspace()},
        {"pre_tokenizer": pre_tokenizers.Digits()},
        {"pre_tokenizer": pre_tokenizers.Split(Regex(r"\w+ \w+"), "isolated")},
        {"normalizer": normalizers.Replace(" ", "_")},
        {"normalizer": normalizers.Sequence([normalizers.NFC(), normalizers.Strip()])},
    ],
)
def test_tokenizers_with_steps_that_may_look_across_are_never_cut(parts: dict[str, Any]) -> None:
    assert not cuts.is_exact(definition(**parts))


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"normalizer": normalizers.Sequence([normalizers.NFKC()])},
        {"pre_tokenizer": pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.ByteLevel()])},
        {"pre_tokenizer": pre_tokenizers.Split(Regex(GPT4), "isolated")},
    ],
)
def test_the_usual_steps_may_be_cut(parts: dict[str, Any]) -> None:
    assert cuts.is_exact(definition(**parts))


@pytest.mark.parametrize(
    "token",
    [AddedToken("New York"), AddedToken("<x>", lstrip=True), AddedToken("<x>", rstrip=True)],
    ids=lambda token: token.content,
)
def test_added_tokens_that_reach_across_a_cut_forbid_it(token: AddedToken) -> None:
    tokenizer = Tokenizer.from_str(definition())
    tokenizer.add_tokens([token])
    assert not cuts.is_exact(tokenizer.to_str())


def test_a_model_without_words_is_never_cut() -> None:
    parts = json.loads(Tokenizer(models.BPE()).to_str())
    assert not cuts.is_exact(json.dumps(parts))
