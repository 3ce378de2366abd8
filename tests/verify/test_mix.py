"""What anybody does to the sets of a mix is named by a check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.verify.groups import groups_of
from tests.verify.conftest import Copy
from tests.verify.tampering import checks, edit, edit_manifest, failed, first_part, mend_files, with_value


def test_another_tokenizer_of_the_same_kind_is_named(copy: Copy) -> None:
    folder = copy("shards")
    path = folder / "tokenizer" / "tokenizer.json"
    data = json.loads(path.read_text())
    data["model"]["merges"] = data["model"]["merges"][:-400]
    path.write_text(json.dumps(data))
    mend_files(folder)
    said = failed(folder)
    assert set(said) == {"tokens"}
    assert "tokenizer.json is not the run's own" in said["tokens"] and "other input_ids" in said["tokens"]


def test_wrong_lengths_and_separators_are_named(copy: Copy) -> None:
    folder = copy("shards")
    path = first_part(folder, "stage1/text")
    table = pq.read_table(path)
    names, ids = table["id"].to_pylist(), table["input_ids"].to_pylist()
    end = ids[0][-1]
    wrong = [ids[0][:-1], [*ids[1][:5], end, *ids[1][5:]], [*ids[2][:5], ids[2][5] + 1, *ids[2][6:]]]
    for row, value in enumerate(wrong):
        table = with_value(table, "input_ids", row, value)
    table = with_value(table, "num_tokens", 3, len(ids[3]) + 1)
    pq.write_table(table, path)
    mend_files(folder)
    said = failed(folder, deep=True, checks=("tokens", "totals"))
    assert f"{names[0]} in stage1/text does not end with the separator" in said["tokens"]
    assert f"{names[1]} in stage1/text has 1 separators inside" in said["tokens"]
    assert (
        f"{names[2]} in stage1/text has other input_ids than its text gives, from token 5" in said["tokens"]
    )
    assert f"{names[3]} in stage1/text has num_tokens {len(ids[3]) + 1}" in said["tokens"]
    assert "stage1/text has" in said["totals"]


def test_a_heldout_page_in_a_training_set_is_named(copy: Copy) -> None:
    folder = copy("shards")
    held = pq.read_table(first_part(folder, "heldout/text")).slice(0, 1)
    edit(folder, "stage1/text", lambda table: pa.concat_tables([table, held]))
    said = failed(folder)
    assert held["id"][0].as_py() in said["sets"] and "heldout/text and in stage1/text" in said["sets"]


def test_a_small_host_on_both_sides_is_named(copy: Copy) -> None:
    folder = copy("shards")
    held = pq.read_table(first_part(folder, "heldout/agent"))["url"].to_pylist()
    page = next(row for row, url in enumerate(held) if url.startswith("https://"))  # a seed is held out twice
    lengths = pq.read_table(first_part(folder, "stage1/agent"))["num_tokens"].to_pylist()
    shortest = lengths.index(min(lengths))
    edit(folder, "heldout/agent", lambda table: with_value(table, "url", page, "https://small.example/a"))
    edit(folder, "stage1/agent", lambda table: with_value(table, "url", shortest, "http://small.example/b"))
    said = failed(folder, checks=("sets",))["sets"]
    assert said == "1 hosts or files of heldout/agent are also in stage1/agent: small.example"


def test_hosts_with_more_than_the_heldout_share_may_be_split(copy: Copy) -> None:
    check = checks(copy("shards"), checks=("sets",))["sets"]
    assert check.outcome == "ok" and "1 of text" in str(check)  # all of its pages are of one host


def test_a_document_in_two_sources_of_a_set_is_named(copy: Copy) -> None:
    folder = copy("shards")
    text = pq.read_table(first_part(folder, "stage1/text")).slice(0, 1)
    edit(folder, "stage1/code", lambda table: pa.concat_tables([table, text]))
    assert "stage1/code and in stage1/text" in failed(folder)["sets"]


def test_seeds_in_both_stages_are_allowed_unless_the_mix_forbids_it(copy: Copy) -> None:
    folder = copy("shards")
    assert checks(folder)["sets"].outcome == "ok"
    edit_manifest(folder, lambda data: data["config"].update(overlap="none"))
    assert "stage1/agent and in stage2/seeds" in failed(folder)["sets"]


def test_shares_that_miss_their_weights_are_named(copy: Copy) -> None:
    folder = copy("shards")
    edit(folder, "stage1/text", lambda table: table.slice(0, table.num_rows // 2))
    table = pq.read_table(first_part(folder, "stage1/text"))
    tokens = sum(table["num_tokens"].to_pylist())

    def mended(data: dict[str, Any]) -> None:
        stage1 = data["facts"]["sets"]["stage1"]
        stage1["tokens"] += tokens - stage1["sources"]["text"]["tokens"]
        stage1["sources"]["text"] |= {"tokens": tokens, "rows": table.num_rows}

    edit_manifest(folder, mended)
    said = failed(folder)
    assert "stage1/text is 20" in said["shares"] and "asks for 33.333%" in said["shares"]
    assert "totals" not in said and "ledger" in said


def test_counts_of_the_facts_are_added_up_again(copy: Copy) -> None:
    folder = copy("shards")
    edit_manifest(folder, lambda data: data["facts"]["sets"]["stage2"]["sources"]["seeds"].update(tokens=7))
    assert "the manifest says 7" in failed(folder)["totals"]


def test_planted_contamination_in_a_cleaned_source_is_named(copy: Copy, demo: tuple[Path, str]) -> None:
    folder = copy("shards")
    planted = (demo[0] / "embedded" / "benchmarks" / "harbour_questions.jsonl").read_text().splitlines()[1]
    edit(folder, "stage1/agent", lambda table: with_value(table, "text", 0, planted))
    said = failed(folder, deep=True, checks=("contamination",))
    assert "harbour_questions" in said["contamination"]


def test_groups_are_hosts_repositories_and_files() -> None:
    batch = pa.RecordBatch.from_pylist(
        [
            {"url": "https://Docs.Example.org:8080/a?b", "source": "crawl"},
            {"url": "http://docs.example.org/other", "source": "crawl"},
            {"url": "https://github.com/owner/name/blob/HEAD/src/a.py", "source": "stack"},
            {"url": "tools/weather.json#4", "source": "seeds"},
            {"url": "tools/weather.json#5", "source": "seeds"},
            {"url": "no address", "source": "seeds"},
            {"url": None, "source": "seeds"},
        ]
    )
    names, numbers = groups_of(batch)
    assert [names[n] if n >= 0 else None for n in numbers.tolist()] == [
        "docs.example.org",
        "docs.example.org",
        "stack:owner/name",
        "seeds:tools/weather.json",
        "seeds:tools/weather.json",
        None,
        None,
    ]
