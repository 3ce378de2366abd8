from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from corpus.engine import verify
from corpus.engine.config import build, load_yaml
from corpus.engine.errors import DataError, UserError
from corpus.engine.stage import Stage
from corpus.engine.tables import UNIQUE_PAGES
from corpus.shards.config import ShardConfig
from corpus.shards.stage import parts_of, plan, run

pytestmark = pytest.mark.spark


def write_source(folder: Path, name: str, documents: int, words: int, hosts: int = 100) -> str:
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


def test_share_held_out_is_what_was_asked_for(finished: Path) -> None:
    facts = json.loads((finished / "manifest.json").read_text())["facts"]["sets"]
    for name, documents in (("code", 300), ("text", 150)):
        held = read(finished / "heldout" / name).num_rows
        assert 1 <= held <= 0.02 * documents
        assert facts["heldout"]["sources"][name]["rows"] == held


def test_lines_that_are_no_json_fail_by_name(spark: SparkSession, tmp_path: Path) -> None:
    lines = [f'{{"text": "document number {n} of some words"}}' for n in range(30)] + ['{"text": "cut', "x"]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    sources = {"a": {"path": [str(tmp_path / "a.jsonl")]}}
    manifest = run(shard_config(tmp_path, sources, heldout_fraction=0))
    assert manifest.counts["failed"] == 2
    assert {"outcome": "failed", "reason": "malformed", "rows": 2} in manifest.counts["by_reason"]
    ledger = pq.read_table(tmp_path / "shards" / "ledger")
    assert ledger["warc"].null_count == ledger.num_rows == 32
    with pytest.raises(DataError, match="'malformed'"):
        run(shard_config(tmp_path / "strict", sources, heldout_fraction=0, max_failed_fraction=0.01))


def test_stage_folder_with_a_stranger_is_refused(finished: Path, spark: SparkSession, tmp_path: Path) -> None:
    stage = tmp_path / "seeds"
    (stage / "seeds").mkdir(parents=True)
    manifest = json.loads((finished / "manifest.json").read_text())
    (stage / "manifest.json").write_text(json.dumps({**manifest, "stage": "seeds", "tables": {"seeds": []}}))
    (stage / "_SUCCESS").write_text("")
    (stage / "seeds" / "part-00000.parquet").write_bytes(b"not of this stage")
    with pytest.raises(UserError, match="does not hold what its manifest lists"):
        plan(shard_config(tmp_path, {"a": str(stage)}))


def test_a_tokenizer_of_the_same_name_and_other_content_is_another_run(
    finished: Path, tmp_path: Path
) -> None:
    source = {"a": write_source(tmp_path, "agent", 40, 20)}
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((finished / "tokenizer" / name).read_bytes())
    first = run(shard_config(tmp_path, source, tokenizer=str(folder)))
    assert run(shard_config(tmp_path, source, tokenizer=str(folder))).fingerprint == first.fingerprint
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "note": "changed"}))
    with pytest.raises(UserError, match="the inputs or the code version"):
        run(shard_config(tmp_path, source, tokenizer=str(folder)))


def test_number_of_files_follows_the_tokens_of_the_source(spark: SparkSession, tmp_path: Path) -> None:
    assert [parts_of(tokens) for tokens in (1, 8 << 20, (8 << 20) + 1, 80 << 20)] == [1, 1, 2, 10]
    stage = Stage.open("shard", shard_config(tmp_path, {"a": "x"}), [])
    rows = spark.range(64).selectExpr("cast(id as string) id", "'' url", "'' text")
    assert stage.write(rows, UNIQUE_PAGES, folder="few", parts=1) == 64
    assert stage.write(rows, UNIQUE_PAGES, folder="many", parts=4) == 64
    assert [len(stage.tables[name]) for name in ("few", "many")] == [1, 4]


def test_a_dry_run_names_each_source_with_its_set_and_weight(tmp_path: Path) -> None:
    path = write_source(tmp_path, "agent", 20, 10)
    said = plan(
        shard_config(tmp_path, {"a": {"path": [path], "weight": 3}, "s": {"path": [path], "set": "stage2"}})
    )
    assert "stage1  a: weight 3" in said and "stage2  s: weight 1" in said and "bpe:512" in said
    assert not (tmp_path / "shards").exists()


@pytest.mark.parametrize(
    "sources, keys, sentence",
    [
        ({}, {}, "no sources"),
        ({"a": {"path": []}}, {}, "'a' has no path"),
        ({"a": "missing.jsonl"}, {}, "does not exist"),
        ({"a": {"path": ["a.parquet"], "weight": 0}}, {}, "weight 0"),
        ({"a": "a.parquet"}, {"tokenizer": "bpe:9"}, "bpe:4096"),
        ({"a": "a.parquet"}, {"tokenizer": "."}, "holds no tokenizer.json"),
        ({"a": "a.parquet"}, {}, "as Parquet"),
    ],
)
def test_a_dry_run_finds_what_would_end_the_run(
    sources: dict[str, Any],
    keys: dict[str, Any],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.parquet").write_text("no Parquet")
    with pytest.raises(UserError, match=sentence):
        plan(shard_config(tmp_path, sources, **keys))


def test_the_commented_defaults_are_the_defaults(repository: Path) -> None:
    places = {"input": {"a": "x"}, "output": "o"}
    written = load_yaml(str(repository / "conf" / "shard.yaml"))
    assert build(ShardConfig, {**written, **places}) == build(ShardConfig, places)
