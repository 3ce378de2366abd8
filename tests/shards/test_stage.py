from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from corpus.engine.config import build, load_yaml
from corpus.engine.errors import DataError, UserError
from corpus.shards.config import ShardConfig
from corpus.shards.stage import plan, run
from corpus.verify import run as verify
from training.data.shards import open_set, row_tokens
from training.data.tokens import find_tokenizer

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
        "nothing": {"path": [str(folder / "nothing.parquet")], "weight": 0},
    }
    names = pq.read_schema(folder / "agent.parquet").names
    pq.write_table(pa.table({name: pa.array([], pa.string()) for name in names}), folder / "nothing.parquet")
    run(shard_config(folder, sources))
    return folder / "shards"


def read(folder: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(file) for file in sorted(folder.rglob("*.parquet"))])


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


@pytest.mark.parametrize("files", [3, pytest.param(17, marks=pytest.mark.slow)])
def test_shards_are_byte_equal_from_any_number_of_files(files: int, finished: Path, tmp_path: Path) -> None:
    sources: dict[str, Any] = {}
    for name in ("agent", "code", "text", "nothing"):
        table = pq.read_table(finished.parent / f"{name}.parquet")
        backwards = table.take(pa.array(range(table.num_rows)[::-1], pa.int64()))
        for number in range(files):
            (tmp_path / name).mkdir(exist_ok=True)
            rows = pa.array(range(number, table.num_rows, files), pa.int64())
            pq.write_table(backwards.take(rows), tmp_path / name / f"{number}.parquet")
        sources[name] = {"path": [str(tmp_path / name)]}
    sources["code"]["weight"], sources["nothing"]["weight"] = 2, 0
    sources["seeds"] = {"path": [str(tmp_path / "agent")], "set": "stage2"}
    run(shard_config(tmp_path, sources))

    def sets(folder: Path) -> dict[str, bytes]:
        """All but the ledger, which names the input files."""
        found = [*folder.glob("*/*/*.parquet"), *folder.glob("tokenizer/*"), folder / "README.md"]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    assert sets(tmp_path / "shards") == sets(finished)


def test_the_folder_loads_as_a_data_set_as_it_lies(finished: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    facts = json.loads((finished / "manifest.json").read_text())["facts"]["sets"]
    for name in ("stage1", "stage2", "heldout"):
        loaded = datasets.load_dataset(str(finished), name, cache_dir=str(tmp_path))
        assert sum(split.num_rows for split in loaded.values()) == facts[name]["rows"]
        streamed = datasets.load_dataset(str(finished), name, streaming=True)
        rows = [row for split in streamed.values() for row in split]
        assert sum(row["num_tokens"] for row in rows) == facts[name]["tokens"]
        assert all(len(row["input_ids"]) == row["num_tokens"] for row in rows)


def test_the_trainer_reads_what_was_written(finished: Path) -> None:
    found = open_set(str(finished / "stage1"))
    facts = json.loads((finished / "manifest.json").read_text())["facts"]
    sources = facts["sets"]["stage1"]["sources"]
    assert {source.name: source.rows for source in found.sources} == {
        name: entry["rows"] for name, entry in sources.items() if entry["rows"]
    }
    tokens = {
        source.name: sum(int(row_tokens(file).sum()) for file in source.files) for source in found.sources
    }
    assert tokens == {name: entry["tokens"] for name, entry in sources.items() if entry["rows"]}
    tokenizer = find_tokenizer(found, None)
    assert (tokenizer.sha256, tokenizer.eos) == (
        facts["tokenizer"]["sha256"],
        facts["tokenizer"]["eos_token_id"],
    )


def test_a_source_with_nothing_is_in_the_facts_and_has_no_folder(finished: Path) -> None:
    facts = json.loads((finished / "manifest.json").read_text())["facts"]["sets"]["stage1"]["sources"]
    assert (facts["nothing"]["rows"], facts["nothing"]["tokens"], facts["nothing"]["files"]) == (0, 0, 0)
    assert not (finished / "stage1" / "nothing").exists()


def test_card_and_lineage_are_files_of_the_manifest(finished: Path) -> None:
    listed = json.loads((finished / "manifest.json").read_text())["tables"]
    assert [file["path"] for file in listed["card"]] == ["README.md", "lineage.json"]
    assert [file["path"] for file in listed["tokenizer"]] == [
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
    ]
    assert not (finished / "_work").exists()


@pytest.mark.slow
def test_a_document_of_a_million_tokens_is_a_row_like_others(spark: SparkSession, tmp_path: Path) -> None:
    rows = [{"text": "alpha beta gamma delta\n" * 240_000}, *({"text": f"a short one {n}"} for n in range(5))]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "long.parquet")
    pq.write_table(pa.Table.from_pylist(rows[:1]), tmp_path / "one.parquet")
    sources = {
        name: {"path": [str(tmp_path / f"{name}.parquet")], "set": of}
        for name, of in (("long", "stage1"), ("one", "stage2"))
    }
    run(shard_config(tmp_path, sources, heldout_fraction=0))
    table = read(tmp_path / "shards" / "stage1")
    longest = table["num_tokens"].to_pylist().index(max(table["num_tokens"].to_pylist()))
    assert table.num_rows == 6 and len(table["input_ids"][longest]) > 1_000_000
    assert read(tmp_path / "shards" / "stage2").num_rows == 1


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "a b", "ä"])
def test_a_name_that_cannot_be_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    path = write_source(tmp_path, "agent", 3, 10)
    with pytest.raises(UserError, match="cannot name a source"):
        plan(shard_config(tmp_path, {name: {"path": [path]}}))


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
    assert reasons == {"": 30, "empty": 1, "no_text": 1, "duplicate_id": 1}


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
    assert set(ledger["warc"].to_pylist()) == {"a.jsonl"} and ledger.num_rows == 32
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
    with pytest.raises(UserError, match=r"another input .*tokenizer_config\.json"):
        run(shard_config(tmp_path, source, tokenizer=str(folder)))


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
