from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from corpus.engine import verify
from corpus.engine.config import build
from corpus.engine.errors import DataError, UserError
from corpus.shards.config import ShardConfig
from corpus.shards.stage import run

pytestmark = pytest.mark.spark


def write_source(folder: Path, name: str, documents: int, words: int, hosts: int = 40) -> str:
    rows = []
    for number in range(documents):
        text = " ".join(f"{name}{(number * 31 + w * w) % 997}" for w in range(words + number % 7))
        key = hashlib.md5(f"{name}{number}".encode()).hexdigest()
        rows.append(
            {
                "id": key,
                "url": f"https://h{number % hosts}.example/{number}",
                "host": f"h{number % hosts}.{name}.example",
                "text": text,
            }
        )
    path = folder / f"{name}.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return str(path)


def shard_config(folder: Path, sources: dict[str, Any], **keys: Any) -> ShardConfig:
    return build(
        ShardConfig, {"input": sources, "output": str(folder / "shards"), "tokenizer": "bpe:512", **keys}
    )


@pytest.fixture(scope="module")
def finished(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mix")
    sources = {
        "agent": {"path": [write_source(folder, "agent", 200, 40)]},
        "code": {"path": [write_source(folder, "code", 300, 60)], "weight": 2},
        "text": {"path": [write_source(folder, "text", 150, 90)]},
        "seeds": {"path": [str(folder / "agent.parquet")], "set": "stage2"},
    }
    run(shard_config(folder, sources))
    return folder / "shards"


def read(folder: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(file) for file in sorted(folder.rglob("part-*.parquet"))])


def test_shares_are_exact_in_tokens(finished: Path) -> None:
    tokens = {
        s: pa.compute.sum(read(finished / "stage1" / s)["num_tokens"]).as_py()
        for s in ("agent", "code", "text")
    }
    total = sum(tokens.values())
    assert tokens["agent"] / total == pytest.approx(0.25, abs=0.002)
    assert tokens["code"] / total == pytest.approx(0.50, abs=0.002)


def test_heldout_documents_are_in_no_training_set(finished: Path) -> None:
    heldout = set(read(finished / "heldout")["id"].to_pylist())
    trained = set(read(finished / "stage1")["id"].to_pylist()) | set(
        read(finished / "stage2")["id"].to_pylist()
    )
    assert heldout and not heldout & trained


def test_every_source_has_heldout_documents(finished: Path) -> None:
    assert {p.name for p in (finished / "heldout").iterdir()} == {"agent", "code", "text", "seeds"}


def test_hosts_are_held_out_as_a_whole(finished: Path) -> None:
    def hosts(folder: Path) -> set[str]:
        return {url.split("/")[2] for url in read(folder)["url"].to_pylist()}

    assert not hosts(finished / "heldout" / "code") & hosts(finished / "stage1" / "code")


def test_num_tokens_is_the_length_of_input_ids(finished: Path) -> None:
    table = read(finished / "stage1")
    assert pa.compute.list_value_length(table["input_ids"]).to_pylist() == table["num_tokens"].to_pylist()


def test_rows_follow_a_seeded_order_and_not_the_input(finished: Path) -> None:
    urls = read(finished / "stage2" / "seeds")["url"].to_pylist()
    assert urls != sorted(urls, key=lambda u: int(u.rsplit("/")[-1]))


def test_verify_accepts_what_was_written_and_names_a_flipped_byte(finished: Path) -> None:
    assert not [p for check in verify.verify(str(finished)) for p in check.problems]
    victim = sorted((finished / "stage1" / "agent").iterdir())[0]
    whole = victim.read_bytes()
    try:
        victim.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
        problems = [p for check in verify.verify(str(finished)) for p in check.problems]
        assert any(victim.name in p and "sha256" in p for p in problems)
    finally:
        victim.write_bytes(whole)


def test_equal_inputs_give_byte_equal_shards(finished: Path, tmp_path: Path) -> None:
    folder = finished.parent
    sources: dict[str, Any] = {
        name: {"path": [str(folder / f"{name}.parquet")]} for name in ("agent", "code", "text")
    }
    sources["code"]["weight"] = 2
    sources["seeds"] = {"path": [str(folder / "agent.parquet")], "set": "stage2"}
    run(shard_config(tmp_path, sources))
    again = {
        p.relative_to(tmp_path / "shards"): p.read_bytes() for p in (tmp_path / "shards").rglob("*.parquet")
    }
    assert again == {p.relative_to(finished): p.read_bytes() for p in finished.rglob("*.parquet")}


def test_jsonl_empty_texts_and_repeated_documents_are_accounted_for(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines = [f'{{"text": "document number {n} of some words"}}' for n in range(30)] + [
        '{"text": ""}',
        '{"text": null}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, lines[0]]))
    manifest = run(shard_config(tmp_path, {"a": {"path": [str(tmp_path / "a.jsonl")]}}, heldout_fraction=0))
    reasons = {row["reason"]: row["rows"] for row in manifest.counts["by_reason"]}
    assert reasons == {"": 30, "empty": 2, "duplicate_id": 1}


def test_mix_that_cannot_be_met_names_the_short_source(spark: SparkSession, tmp_path: Path) -> None:
    path = write_source(tmp_path, "agent", 20, 10)
    with pytest.raises(DataError, match="'agent' is short by"):
        run(shard_config(tmp_path, {"agent": path}, tokens=10_000_000))


def test_source_without_text_names_its_columns(spark: SparkSession, tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="no column 'text'; its columns are body"):
        run(shard_config(tmp_path, {"a": str(tmp_path / "a.parquet")}))
