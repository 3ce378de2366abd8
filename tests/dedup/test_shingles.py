import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.dedup.normalise import normalise, pieces, text_key, words
from corpus.dedup.shingles import combine, digest, shingle_set
from corpus.dedup.verify import common, compare

SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank"


def flat(text: str, piece: int = 1 << 20) -> list[str]:
    return [word for part in words(normalise(text), piece) for word in part]


def brute(text: str, size: int = 5) -> set[tuple[str, ...]]:
    found = flat(text)
    return {tuple(found[i : i + size]) for i in range(len(found) - size + 1)}


def test_case_and_white_space_make_no_other_text_but_signs_do():
    assert text_key([normalise("A  b\n c")]) == text_key([normalise("a b C ")])
    assert text_key([normalise("a + b")]) != text_key([normalise("a - b")])
    assert normalise("e\u0301") == normalise("\u00e9")


def test_scripts_without_spaces_are_cut_into_characters():
    assert flat("吾輩は猫である v2_x.") == ["吾", "輩", "は", "猫", "で", "あ", "る", "v2_x"]
    assert flat("网络 API 文档") == ["网", "络", "api", "文", "档"]
    assert flat("한국어 문서") == ["한국어", "문서"]


@given(st.text(alphabet=st.sampled_from("ab 中文,é\n"), max_size=80), st.integers(1, 9))
def test_cutting_into_pieces_changes_no_word(text, piece):
    assert flat(text, piece) == flat(text)


SIGNS = st.text(alphabet=st.sampled_from("aΣσ e\u0301\u0345中\n\u00a0\u3000,"), max_size=60)


@given(SIGNS, st.integers(1, 9))
def test_a_text_normalised_in_pieces_is_the_same_text(text, size):
    assert " ".join(pieces(text, size)) == normalise(text)
    assert text_key(pieces(text, size)) == text_key([normalise(text)])


def test_a_long_text_has_the_shingles_and_the_key_of_its_whole():
    text = " ".join(f"{SENTENCE} {number} 文档\n" for number in range(8000))
    found = digest(text, 5, least=8, most=10**7)
    assert len(text) > 1 << 18
    assert np.array_equal(found.shingles, shingle_set(normalise(text), 5))
    assert found.key == text_key([normalise(text)])


@given(st.lists(st.sampled_from("abcdefgh"), max_size=40), st.integers(1, 6))
def test_there_are_as_many_hashes_as_different_runs_of_words(sequence, size):
    text = " ".join(sequence)
    hashes = shingle_set(text, size)
    assert len(hashes) == len(brute(text, size))
    assert np.all(hashes[1:] > hashes[:-1])


def test_the_order_of_words_matters():
    assert not common(shingle_set("a b c d e", 5), shingle_set("e d c b a", 5))


@given(st.lists(st.sampled_from("abcdef"), max_size=60), st.lists(st.sampled_from("abcdef"), max_size=60))
def test_evidence_equals_brute_force(first, second):
    one, other = " ".join(first), " ".join(second)
    a, b = brute(one, 3), brute(other, 3)
    found = compare(shingle_set(one, 3), shingle_set(other, 3))
    assert found.jaccard == (len(a & b) / len(a | b) if a and b else 0.0)
    assert found.containment == (len(a & b) / len(b) if a and b else 0.0)


@pytest.mark.parametrize("small", [1, 50, 1000])
def test_sets_of_very_unlike_size_are_compared_exactly(small):
    large = np.unique(np.random.default_rng(1).integers(0, 1 << 40, 20_000).astype(np.uint64))
    taken = np.sort(np.concatenate([large[:small], np.array([1 << 50], np.uint64)]))
    assert common(taken, large) == common(large, taken) == small


def test_texts_outside_the_limits_have_no_shingles():
    assert len(shingle_set(normalise(SENTENCE), 5)) == 9
    assert len(shingle_set(normalise(SENTENCE), 5, least=14)) == 0
    assert len(shingle_set(normalise(SENTENCE), 5, most=12)) == 0
    assert len(combine(np.empty(0, np.uint64), 5)) == 0
