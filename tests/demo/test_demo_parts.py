"""Promises of the demo's seeds, general code and text, and of its grammars."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from corpus.demo.doc import Distinct, jaccard, words
from corpus.demo.general import write_code, write_text
from corpus.demo.prose import documents, grammar, load_yaml
from corpus.demo.seeds import write_seeds
from corpus.demo.truth import CrawlTruth


def _column(path: Path, name: str) -> list[str]:
    return [str(value) for value in pq.read_table(path)[name].to_pylist()]


def test_seeds_are_enough_and_the_same_each_time(tmp_path: Path) -> None:
    first, second = write_seeds(tmp_path / "a"), write_seeds(tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert len([path for path in first if path.suffix == ".md"]) >= 150
    rows = (tmp_path / "a/apibench/models_api.jsonl").read_text().splitlines()
    assert len(rows) >= 40 and len({json.loads(row)["api_name"] for row in rows}) == len(rows)


def test_seed_files_are_valid_in_their_own_formats(tmp_path: Path) -> None:
    write_seeds(tmp_path)
    versions = set()
    for path in sorted(p for p in (tmp_path / "openapi").iterdir() if p.name != "SOURCE.yaml"):
        spec = yaml.safe_load(path.read_text())
        versions.add(str(spec.get("openapi") or spec.get("swagger"))[:3])
        operations = [
            op
            for item in spec["paths"].values()
            for key, op in item.items()
            if key in ("get", "post", "patch")
        ]
        assert operations and all(op["operationId"] and op["responses"] for op in operations)
    assert versions == {"2.0", "3.0", "3.1"}
    for line in (tmp_path / "trajectories/tool_trajectories.jsonl").read_text().splitlines():
        spoken = [m["content"] for m in json.loads(line)["messages"] if m["role"] == "assistant"]
        assert all(text.startswith("Thought: ") and "\nAction: " in text for text in spoken)
        assert "finish[" in spoken[-1]
    prompts = json.loads((tmp_path / "trajectories/react_prompts.json").read_text())
    assert all(text.startswith("You are in") and "\n> " in text for text in prompts.values())


def test_general_code_is_large_enough_and_the_same_each_time(tmp_path: Path) -> None:
    one, two = (write_code(tmp_path / name, least_bytes=200_000) for name in "ab")
    assert one.read_bytes() == two.read_bytes()
    path = write_code(tmp_path / "c")
    assert sum(len(text.encode()) for text in _column(path, "text")) >= 1_500_000
    assert set(_column(path, "licence")) == {"PSF-2.0"} and set(_column(path, "kind")) == {"code"}
    assert len(set(_column(path, "id"))) == len(_column(path, "id"))


def test_general_text_is_large_enough_and_not_in_the_crawl(
    tmp_path: Path, crawl: tuple[Path, CrawlTruth]
) -> None:
    texts = _column(write_text(tmp_path), "text")
    assert sum(len(text.encode()) for text in texts) >= 800_000
    distinct = Distinct(0.5)
    for text in crawl[1].texts.values():
        distinct.add(text)
    assert [text[:60] for text in texts[::5] if distinct.closest(text) >= 0.5] == []


def test_every_slot_of_every_grammar_can_be_filled() -> None:
    for name in [*load_yaml("sites")["genres"], "company"]:
        pages = list(islice(documents(name, "slots"), 40))
        assert len({page.title for page in pages}) > 5, name
        for page in pages:
            assert "{" not in page.title + "".join(block.text for block in page.blocks), name
        assert {plan["from"] for plan in grammar(name).body} == set(grammar(name).pools), name


def test_jaccard_counts_word_five_grams() -> None:
    assert jaccard("a b c d e f", "a b c d e g") == 1 / 3
    assert jaccard("One, two three.", "one two THREE") == 1.0
    assert words("第一 ab") == ["第", "一", "ab"]
