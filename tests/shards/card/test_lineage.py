from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus.engine import manifest, storage
from corpus.engine.manifest import Manifest, describe_file, hash_of
from corpus.engine.stage import stage_input
from corpus.shards.card.lineage import gather, to_bytes


def make(
    folder: Path, stage: str, config: dict[str, Any], inputs: list[dict[str, Any]], data: bytes
) -> Manifest:
    """A finished stage with one table of one file."""
    storage.write_bytes(str(folder / "pages" / "part-00000.parquet"), data)
    files = [describe_file(str(folder), "pages/part-00000.parquet", rows=len(data))]
    fingerprint = manifest.fingerprint(stage, config, inputs)
    counts = {"records_in": 10, "kept": 4, "funnel": "for people"}
    found = Manifest(stage, fingerprint, config, inputs, counts, {"pages": files}, folder=str(folder))
    manifest.write(str(folder), found)
    return found


def road(root: Path) -> tuple[Manifest, Manifest, Manifest]:
    """A crawl filtered (with a classifier), its pages without duplicates."""
    archives = [{"path": f"s3://crawl/{n}.warc.gz", "bytes": 5, "etag": str(n)} for n in range(3)]
    classifier = make(root / "classifier", "classifier", {"input": ["s3://crawl/"]}, archives[:1], b"model")
    judged = {"path": "classifier", "bytes": 0, "sha256": classifier.digest()}
    config = {"input": ["s3://crawl/"], "classifier": str(root / "classifier")}
    pages = make(root / "pages", "filter", config, [judged, *archives], b"pages")
    table = stage_input(str(root / "pages"), "pages")
    unique = make(root / "unique", "dedup", {"input": [str(root / "pages")]}, [table], b"unique")
    return classifier, pages, unique


def of_shards(root: Path) -> dict[str, Any]:
    config = {
        "input": {"agent": {"path": [str(root / "unique")]}},
        "overlap": str(root),
        "tokenizer": "bpe:512",
    }
    return gather(config, [{**stage_input(str(root / "unique"), "pages"), "as": "agent"}])


def test_the_chain_goes_back_to_the_archives(tmp_path: Path) -> None:
    classifier, pages, unique = road(tmp_path)
    found = of_shards(tmp_path)
    assert [entry["stage"] for entry in found["stages"]] == ["classifier", "filter", "dedup"]
    assert found["reads"] == [unique.fingerprint]
    by_stage = {entry["stage"]: entry for entry in found["stages"]}
    assert by_stage["dedup"]["reads"] == [pages.fingerprint]
    assert by_stage["filter"]["reads"] == [classifier.fingerprint]
    archives = [item["path"] for item in by_stage["filter"]["inputs"] if item["path"].endswith(".warc.gz")]
    assert archives == [f"s3://crawl/{n}.warc.gz" for n in range(3)]
    assert by_stage["filter"]["config"] == pages.config
    assert by_stage["dedup"]["tables"]["pages"]["rows"] == len(b"unique")
    assert found["not_found"] == []


def test_a_stage_that_several_others_read_is_there_once(tmp_path: Path) -> None:
    road(tmp_path)
    config = {"input": {name: {"path": [str(tmp_path / name)]} for name in ("unique", "pages")}}
    found = gather(config, [stage_input(str(tmp_path / name), "pages") for name in ("unique", "pages")])
    assert [entry["stage"] for entry in found["stages"]] == ["classifier", "filter", "dedup"]
    assert len(found["reads"]) == 2


def test_a_folder_that_has_changed_since_is_not_taken_for_what_was_read(tmp_path: Path) -> None:
    _, pages, _ = road(tmp_path)
    changed = hash_of(sorted((file.path, file.sha256) for file in pages.tables["pages"]))
    make(tmp_path / "pages", "filter", {"input": ["another crawl"]}, [], b"other pages")
    found = of_shards(tmp_path)
    assert [entry["stage"] for entry in found["stages"]] == ["dedup"]
    assert [item["sha256"] for item in found["not_found"]] == [changed]


def test_folders_that_are_gone_are_said_to_be_missing(tmp_path: Path) -> None:
    road(tmp_path)
    storage.remove(str(tmp_path / "classifier"))
    found = of_shards(tmp_path)
    assert [entry["stage"] for entry in found["stages"]] == ["filter", "dedup"]
    assert [item["path"] for item in found["not_found"]] == ["classifier"]


def test_words_that_happen_to_be_folders_are_no_stages(tmp_path: Path, monkeypatch: Any) -> None:
    road(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert gather({"overlap": "unique"}, [])["stages"] == []


def test_secrets_in_addresses_are_left_out(tmp_path: Path) -> None:
    inputs = [{"path": "s3://key:pa55word@crawl/0.warc.gz?region=x", "bytes": 5, "etag": "1"}]
    made = make(tmp_path / "pages", "filter", {"input": ["s3://key:pa55word@crawl/"]}, inputs, b"pages")
    found = gather({"input": [str(tmp_path / "pages")]}, [stage_input(str(tmp_path / "pages"), "pages")])
    data = to_bytes(found)
    assert b"pa55word" not in data and json.loads(data)["stages"][0]["fingerprint"] == made.fingerprint


def test_a_damaged_manifest_does_not_end_the_run(tmp_path: Path) -> None:
    road(tmp_path)
    table = stage_input(str(tmp_path / "unique"), "pages")
    (tmp_path / "unique" / "manifest.json").write_text("{")
    found = gather({"input": [str(tmp_path / "unique")]}, [table])
    assert found["stages"] == [] and found["not_found"] == [table]
