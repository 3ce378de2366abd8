"""What an export carries beside the weights, and in which number format."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open

from tests.training.support import train, words, write_model


def test_an_export_has_the_number_format_asked_for_and_how_to_sample(shards: Path, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    model = tmp_path / "model"
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(write_model(model))).save_pretrained(model)
    GenerationConfig(temperature=0.7, do_sample=True).save_pretrained(model)
    train(words(shards, model, tmp_path / "run", "tokens=300", "heldout.rows=0", "export_dtype=bfloat16"))
    export = tmp_path / "run" / "export"
    sampling = json.loads((export / "generation_config.json").read_text())
    assert sampling["temperature"] == 0.7 and sampling["do_sample"] is True
    with safe_open(export / "model-00001-of-00001.safetensors", framework="pt") as stream:
        assert {stream.get_tensor(name).dtype for name in stream.keys()} == {torch.bfloat16}  # noqa: SIM118
    assert next(AutoModelForCausalLM.from_pretrained(export).parameters()).dtype == torch.bfloat16
