from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from corpus.shards.card.composition import Group, sets_of
from corpus.shards.card.readme import card
from corpus.shards.writing.layout import ShardFile, Source

WEIGHTS = {"stage1": {"agent": 2.0, "text": 1.0, "empty": 0.0}, "sft": {"talks": 1.0}}
TOKENIZER = {
    "name": "some/tokenizer",
    "revision": "c0ffee",
    "vocab_size": 512,
    "eos_token_id": 0,
    "sha256": "ab",
}


def group(of: str, source: str, rows: int, tokens: int, **values: Any) -> Group:
    known = {"licence": "MIT", "kind": "tool_doc", "language": "en", **values}
    return Group(
        of, source, known["licence"], known["kind"], known["language"], rows, rows, tokens, tokens * 4
    )


GROUPS = [
    group("stage1", "agent", 60, 6000),
    group("stage1", "agent", 7, 666, licence="CC-BY-4.0", language="de"),
    group("stage1", "text", 50, 3333, licence=None, kind="text", language=None),
    group("sft", "talks", 3, 90, kind="trajectory"),
    group("heldout", "agent", 2, 50),
    group("heldout", "talks", 1, 20, kind="trajectory"),
]
FILES = [ShardFile(Source("stage1", "agent"), n, 2, n, n, 10) for n in range(2)]


def facts(groups: list[Group] | None = None) -> dict[str, Any]:
    apis = {("stage1", "agent"): 41}
    sets = sets_of(GROUPS if groups is None else groups, WEIGHTS, FILES, conversations=["talks"], apis=apis)
    return {"sets": sets, "tokenizer": TOKENIZER}


def header(text: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text.split("---\n")[1]))


def test_shares_and_counts_are_those_of_the_groups() -> None:
    stage1 = facts()["sets"]["stage1"]
    assert (stage1["tokens"], stage1["rows"], stage1["text_bytes"]) == (9999, 117, 9999 * 4)
    agent = stage1["sources"]["agent"]
    assert (agent["tokens"], agent["weight"], agent["apis"], agent["files"]) == (6666, 2.0, 41, 2)
    assert agent["share"] == pytest.approx(6666 / 9999, abs=1e-6)
    assert agent["licences"] == {"MIT": {"rows": 60, "tokens": 6000}, "CC-BY-4.0": {"rows": 7, "tokens": 666}}


def test_a_source_that_gave_nothing_is_listed_with_nothing() -> None:
    empty = facts()["sets"]["stage1"]["sources"]["empty"]
    assert (empty["tokens"], empty["rows"], empty["share"], empty["licences"]) == (0, 0, 0.0, {})


def test_facts_do_not_follow_the_order_of_the_groups() -> None:
    assert facts(random.Random(1).sample(GROUPS, len(GROUPS))) == facts()


def test_many_licences_are_listed_up_to_a_bound() -> None:
    groups = [group("stage1", "agent", 1, n + 1, licence=f"L{n}") for n in range(300)]
    listed = facts(groups)["sets"]["stage1"]["sources"]["agent"]["licences"]
    assert len(listed) == 51 and sum(entry["rows"] for entry in listed.values()) == 300
    assert listed["others"]["rows"] == 250


def test_the_header_names_licences_languages_and_size() -> None:
    found = header(card(facts(), {"tokenize": True}, ""))
    assert found["license"] == "other" and found["license_name"] == "various"
    assert found["language"] == ["en", "de"]
    assert found["size_categories"] == ["n<1K"]
    assert {"agents", "api-documentation", "tokenized"} <= set(found["tags"])


@pytest.mark.parametrize(
    ("licence", "said"),
    [("MIT", "mit"), ("GPL-3.0-or-later", "gpl-3.0"), (None, "unknown"), ("Own", "other")],
)
def test_one_licence_is_named_as_the_hub_calls_it(licence: str | None, said: str) -> None:
    found = header(card(facts([group("stage1", "agent", 3, 30, licence=licence)]), {}, ""))
    assert found["license"] == said


def test_each_set_is_a_configuration_and_the_first_is_the_default() -> None:
    configs = header(card(facts(), {}, ""))["configs"]
    assert [config["config_name"] for config in configs] == [
        "stage1",
        "sft",
        "heldout",
        "heldout_conversations",
    ]
    assert [config.get("default", False) for config in configs] == [True, False, False, False]
    assert configs[2]["data_files"] == [{"split": "test", "path": ["heldout/agent/*.parquet"]}]
    assert configs[3]["data_files"] == [{"split": "test", "path": ["heldout/talks/*.parquet"]}]


def test_every_configuration_loads_as_it_lies(tmp_path: Path) -> None:
    """Documents and conversations have other columns, and what a stage keeps beside its sets is no data."""
    datasets = pytest.importorskip("datasets")
    for of, source, column in [
        *(("stage1", "agent", "text"), ("stage1", "text", "text"), ("sft", "talks", "messages")),
        *(("heldout", "agent", "text"), ("heldout", "talks", "messages"), ("ledger", "x", "reason")),
    ]:
        (tmp_path / of / source).mkdir(parents=True)
        table = pa.table({"id": [of, source], column: ["a", "b"]})
        pq.write_table(table, tmp_path / of / source / f"{of}-{source}-00000-of-00001.parquet")
    (tmp_path / "tokenizer").mkdir()
    for name in ("manifest.json", "lineage.json", "tokenizer/tokenizer.json", "_SUCCESS"):
        (tmp_path / name).write_text('{"text": 1}')
    (tmp_path / "README.md").write_text(card(facts(), {}, ""))
    wanted = {"stage1": 4, "sft": 2, "heldout": 2, "heldout_conversations": 2, None: 4}
    for name, rows in wanted.items():
        loaded = datasets.load_dataset(str(tmp_path), name, cache_dir=str(tmp_path / "cache"))
        assert sum(split.num_rows for split in loaded.values()) == rows
        streamed = datasets.load_dataset(str(tmp_path), name, streaming=True)
        assert sum(1 for split in streamed.values() for _ in split) == rows


def test_the_body_tells_composition_tokenizer_and_held_out_rule() -> None:
    text = card(facts(), {"heldout_fraction": 0.02, "seed": 7, "tokenize": True}, "  records in  9")
    assert "| `stage1` | agent | 67 | 6,666 | 66.67% | 2 | 41 | tool\\_doc |" in text
    assert "`some/tokenizer` at c0ffee" in text and "  records in  9" in text
    assert "Up to 2.0% of each source's tokens are held out" in text and "(seed 7)" in text


def test_values_out_of_the_data_cannot_break_the_card() -> None:
    hostile = 'x|y\n---\n# <script>alert("1")</script> [a](javascript:b)' + "z" * 500
    text = card(
        facts([group("stage1", "agent", 3, 30, licence=hostile, language=hostile, kind=hostile)]), {}, ""
    )
    assert "<script>" not in text and "\n# <" not in text
    rows = [line for line in text.splitlines() if "alert" in line]
    assert rows and all(line.startswith("| ") and len(line) < 400 for line in rows)
    assert header(text)["license"] == "other" and "language" not in header(text)


def test_stages_behind_the_data_are_listed() -> None:
    stages = [{"stage": "filter", "fingerprint": "f" * 64, "records_in": 1234, "kept": 56}]
    text = card({**facts(), "lineage": {"stages": stages}}, {}, "")
    assert "| filter | 1,234 | 56 | `ffffffffffffffff` |" in text and "lineage.json" in text
