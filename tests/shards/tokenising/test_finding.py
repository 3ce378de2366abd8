from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from corpus.engine.errors import UserError
from corpus.shards.tokenising import finding
from corpus.shards.tokenizer import load
from tests.shards.test_tokenizer import TEXTS


def test_training_does_not_depend_on_the_order_of_texts(tmp_path: Path) -> None:
    shuffled = random.Random(1).sample(TEXTS, len(TEXTS))
    first = finding.resolve("bpe:512", TEXTS, str(tmp_path / "a"))
    assert finding.resolve("bpe:512", shuffled, str(tmp_path / "b")).sha256 == first.sha256


@pytest.mark.parametrize("spec", ["bpe:10", "bpe:many"])
def test_vocabulary_that_makes_no_sense_is_refused(spec: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="bpe:4096"):
        finding.resolve(spec, TEXTS, str(tmp_path))
    with pytest.raises(UserError, match="bpe:4096"):
        finding.identify(spec)


@pytest.mark.parametrize("file", ["tokenizer.model", "spiece.model", "vocab.txt"])
def test_a_slow_tokenizer_is_named_with_the_way_out(file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(b"\x0a\x0b")
    for use in (finding.identify, lambda spec: finding.resolve(spec, [], str(tmp_path / "out"))):
        with pytest.raises(UserError, match=rf"slow tokenizer \({file}\).*save_pretrained\(FOLDER\)"):
            use(str(tmp_path))


def test_a_folder_is_identified_by_the_content_of_its_files(tmp_path: Path) -> None:
    finding.resolve("bpe:512", TEXTS, str(tmp_path / "a"))
    one = finding.identify(str(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert [item["sha256"] for item in finding.identify(str(tmp_path / "b"))] == [i["sha256"] for i in one]
    (tmp_path / "b" / "tokenizer_config.json").write_text('{"eos_token": "<|endoftext|>", "note": 1}')
    assert [item["sha256"] for item in finding.identify(str(tmp_path / "b"))] != [i["sha256"] for i in one]


def test_templates_for_conversations_come_along(tmp_path: Path) -> None:
    finding.resolve("bpe:512", TEXTS, str(tmp_path / "a"))
    (tmp_path / "a" / "chat_template.jinja").write_text("{{ messages }}")
    (tmp_path / "a" / "model.safetensors").write_text("not part of a tokenizer")
    finding.resolve(str(tmp_path / "a"), [], str(tmp_path / "b"))
    names = {file.name for file in (tmp_path / "b").iterdir()}
    assert names == {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}


def test_facts_name_the_tokenizer_and_what_parts_documents(tmp_path: Path) -> None:
    found = finding.resolve("bpe:512", TEXTS, str(tmp_path))
    said = finding.facts(found, "bpe:512", {"tokenizer.json": found.sha256})
    assert said["eos_token_id"] == load(str(tmp_path)).eos_id
    assert said["sha256"] == said["files"]["tokenizer.json"] and said["name"] == "bpe:512"
    assert "revision" not in said
