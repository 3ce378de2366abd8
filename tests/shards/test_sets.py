"""The whole job over sources of several layouts: documents, repeated documents, conversations, held-out of each."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pyspark.sql import SparkSession

from corpus.engine import manifest
from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.shards.config import ShardConfig
from corpus.shards.conversations.render import token_counter
from corpus.shards.stage import plan, run
from tests.shards.conversations.examples import EXAMPLES
from tests.shards.conversations.test_render import CHATML, write_tokenizer
from tests.shards.sources.support import save_to_disk

pytestmark = pytest.mark.spark


def words(rng: random.Random, number: int) -> str:
    return " ".join(rng.choice(["call", "the", "tool", "with", "name", "value"]) for _ in range(number))


def write_sources(folder: Path) -> dict[str, dict[str, Any]]:
    """agent: Arrow files; code: zstd lines in the layout of The Stack; text: gzip lines of FineWeb; seeds; talks."""
    rng = random.Random(3)
    pages = [
        {"text": f"page {n} {words(rng, 20 + n % 40)}", "id": n, "url": f"https://h{n % 30}.example/{n}"}
        for n in range(150)
    ]
    code = [
        {
            "content": f"x{n} = '{words(rng, 10 + n % 50)}'",
            "hexsha": f"{n:040x}",
            "lang": "Python",
            "max_stars_repo_name": f"o/r{n % 60}",
            "max_stars_repo_path": f"a{n}.py",
            "max_stars_repo_licenses": ["MIT"] if n % 10 else ["GPL-3.0"],
        }
        for n in range(400)
    ]
    text = [
        {
            "text": f"{n} {words(rng, 60)}",
            "id": f"<urn:uuid:{n}>",
            "dump": "D",
            "url": f"https://t{n % 90}.example/{n}",
            "language": "en",
            "score": n / 300,
        }
        for n in range(300)
    ]
    talks = [
        {
            "id": f"talk{n // 2}_{n % 2}",
            "conversations": [
                {"from": "human", "value": f"{n} {words(rng, 9)}"},
                {"from": "gpt", "value": words(rng, 9)},
            ],
        }
        for n in range(120)
    ]
    bad = [
        {"conversations": [{"from": "gpt", "value": "alone"}]},
        {"conversations": [{"from": "human", "value": "alone"}]},
    ]
    pq.write_table(pa.Table.from_pylist(pages[:60]), folder / "seeds.parquet")
    (folder / "code.jsonl.zst").write_bytes(zstandard.compress("\n".join(map(json.dumps, code)).encode()))
    (folder / "text.jsonl.gz").write_bytes(
        gzip.compress("\n".join([*map(json.dumps, text), '{"text": "cut']).encode())
    )
    (folder / "talks.json").write_text(json.dumps([*talks, EXAMPLES["sharegpt"][0], *bad], indent=1))
    return {
        "agent": {"path": [save_to_disk(folder / "agent", pages)], "repeat": 4},
        "code": {"path": [str(folder / "code.jsonl.zst")], "licences": ["mit"]},
        "text": {"path": [str(folder / "text.jsonl.gz")], "where": "score > 0.1"},
        "seeds": {"path": [str(folder / "seeds.parquet")], "set": "stage2"},
        "talks": {"path": [str(folder / "talks.json")], "set": "sft"},
    }


def make(folder: Path, sources: dict[str, dict[str, Any]], output: Path, **keys: Any) -> manifest.Manifest:
    tokenizer = write_tokenizer(folder / "tokenizer", chat_template=CHATML)
    values = {
        "input": sources,
        "output": str(output),
        "tokenizer": tokenizer,
        "heldout_fraction": 0.05,
        **keys,
    }
    return run(build(ShardConfig, values))


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    make(folder, write_sources(folder), folder / "shards", agent_share=0.4)
    return folder


def read(folder: Path) -> list[dict[str, Any]]:
    return [
        row for file in sorted(folder.rglob("*.parquet")) for row in pq.ParquetFile(file).read().to_pylist()
    ]


def test_shares_and_repetition_are_as_asked_for(folder: Path) -> None:
    sources = manifest.read(str(folder / "shards")).facts["sets"]["stage1"]["sources"]
    assert {name: source["share"] for name, source in sources.items()} == pytest.approx(
        {"agent": 0.4, "code": 0.3, "text": 0.3}, abs=0.001
    )
    rows = read(folder / "shards" / "stage1" / "agent")
    passes: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        passes[row["repetition"]].add(row["id"])
    assert len(passes) > 1 and all(passes[n + 1] <= passes[n] for n in range(len(passes) - 1))
    assert passes[0] == passes[len(passes) - 2] and sum(map(len, passes.values())) == len(rows)
    assert max(row["repetition"] for row in read(folder / "shards" / "heldout")) == 0


def test_no_document_is_in_two_sets_but_seeds(folder: Path) -> None:
    ids = {
        name: {row["id"] for row in read(folder / "shards" / name)}
        for name in ("stage1", "stage2", "sft", "heldout")
    }
    assert all(ids.values())
    assert {(a, b) for a in ids for b in ids if a < b and ids[a] & ids[b]} == {("stage1", "stage2")}


def test_every_record_is_in_the_ledger_with_its_place(folder: Path) -> None:
    rows = read(folder / "shards" / "ledger")
    found = Counter((row["outcome"], row["reason"]) for row in rows if row["reason"] != "over_share")
    assert {key: number for key, number in found.items() if key[1]} == {
        ("failed", "malformed"): 1,
        ("dropped", "filtered"): 31,
        ("dropped", "licence"): 40,
        ("dropped", "no_assistant"): 1,
        ("dropped", "roles"): 1,
    }
    assert len(rows) == 150 + 400 + 301 + 60 + 123
    (cut,) = [row for row in rows if row["reason"] == "malformed"]
    lines = gzip.decompress((folder / "text.jsonl.gz").read_bytes())
    assert cut["warc"] == "text.jsonl.gz" and lines[cut["offset"] :] == b'{"text": "cut'


def test_conversations_have_one_schema_and_the_length_of_the_chat_template(folder: Path) -> None:
    rows = read(folder / "shards" / "sft") + read(folder / "shards" / "heldout" / "talks")
    counter = token_counter(str(folder / "tokenizer"))
    assert counter is not None and len(rows) == 121
    assert all(row["num_tokens"] == counter(row["messages"], row["tools"]) for row in rows)
    assert sum(bool(row["tools"]) for row in rows) == 1
    assert {tuple(one["role"] for one in row["messages"]) for row in rows} >= {("user", "assistant")}


def test_pieces_of_one_conversation_are_held_out_together(folder: Path) -> None:
    def talks(name: str) -> set[int]:
        rows = read(folder / "shards" / name / "talks")
        numbers = (row["messages"][0]["content"].split()[0] for row in rows)
        return {int(number) // 2 for number in numbers if number.isdigit()}

    assert talks("heldout") and not talks("heldout") & talks("sft")


def test_the_manifest_says_how_each_input_was_read(folder: Path) -> None:
    inputs = manifest.read(str(folder / "shards")).inputs
    assert {str(one["as"]): one["format"] for one in inputs if "as" in one} == {
        "agent": "plain",
        "code": "the-stack",
        "text": "fineweb",
        "seeds": "plain",
        "talks": "auto",
    }


@pytest.mark.slow
def test_equal_inputs_give_equal_bytes_whatever_the_partitions(
    folder: Path, spark: SparkSession, tmp_path: Path
) -> None:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    try:
        make(folder, write_sources(folder), tmp_path / "again", agent_share=0.4)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before or "8")
    first, again = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*.parquet")}
        for root in (folder / "shards", tmp_path / "again")
    )
    assert first == again


@pytest.mark.slow
def test_a_source_of_one_document_of_a_million_tokens(spark: SparkSession, tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["tokens " * 143_000]}), tmp_path / "long.parquet")
    made = make(tmp_path, {"long": {"path": [str(tmp_path / "long.parquet")]}}, tmp_path / "shards")
    assert made.facts["sets"]["stage1"]["sources"]["long"]["tokens"] > 1_000_000
    assert "heldout" not in made.facts["sets"]


def test_a_dry_run_names_formats_weights_and_what_is_wrong(folder: Path) -> None:
    sources = write_sources(folder)
    values = {"input": sources, "output": "o", "tokenizer": str(folder / "tokenizer"), "agent_share": 0.4}
    said = plan(build(ShardConfig, values))
    assert "stage1  agent: weight 0.4" in said and "format the-stack" in said
    sources["talks"]["path"] = [str(folder / "shards")]
    with pytest.raises(UserError, match="shard stage, which holds no documents"):
        plan(build(ShardConfig, values))
    sources["talks"] = {"path": [str(folder / "code.jsonl.zst")], "set": "sft"}
    with pytest.raises(UserError, match="holds no conversations of a known style"):
        plan(build(ShardConfig, values))
