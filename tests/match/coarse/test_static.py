import numpy as np
import pytest

from corpus.match.coarse.static import TABLE, distilled, load_static, token_vectors
from corpus.match.encoding.encoder import Encoder, EncoderSettings

pytest.importorskip("sentence_transformers")


@pytest.fixture(scope="module")
def tiny(tiny_encoder):
    return Encoder(EncoderSettings(tiny_encoder, 64))


def test_the_table_holds_what_the_encoder_makes_of_each_token(tiny):
    tokens = token_vectors(tiny)
    assert len(tokens) == len(tiny.tokenizer)
    for word in ("git", "weather", "q"):
        alone = tiny.embed_ids(np.array([tiny.tokenizer(word)["input_ids"]]))
        assert np.allclose(tokens[tiny.tokenizer.convert_tokens_to_ids(word)], alone[0], atol=1e-5)


def test_texts_with_the_same_words_are_near_and_the_table_is_made_once(tiny):
    folder = distilled(tiny)
    before = (folder / TABLE).stat().st_mtime_ns
    assert distilled(tiny) == folder and (folder / TABLE).stat().st_mtime_ns == before
    model = load_static(folder, 64)
    one, same, other = model.encode(["git rebase branch", "branch rebase git", "flour dough bread"])
    assert one @ same == pytest.approx(1, abs=1e-5) and one @ other < 0.9
    assert np.array_equal(model.encode(["flour dough bread"])[0], other)


def test_texts_without_tokens_are_zero_and_hostile_ones_are_read(tiny):
    model = load_static(distilled(tiny), 16)
    found = model.encode(["", " \x00 ", "\ud800 git", "a" * 1_000_000])
    assert not found[0].any()
    assert np.isfinite(found).all() and np.linalg.norm(found[2]) == pytest.approx(1, abs=1e-5)
