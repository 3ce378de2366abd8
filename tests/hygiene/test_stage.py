"""One run over pages with plants of every kind; the tests are promises about its tables."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from corpus.engine.config import build
from corpus.engine.errors import DataError, UserError
from corpus.engine.inputs import expand
from corpus.hygiene.config import HygieneConfig
from corpus.hygiene.stage import plan, run
from corpus.verify import run as verify

pytestmark = pytest.mark.spark
QUESTION = (
    "How many lanterns does the night watch of Lowmarsh need if each of nine gates takes three of them?"
)
PHRASE = "Bring the kettle lantern gate keys"  # an item that turns out to be everybody's phrase
MAIL = "maria.kestrel@q7hvmk2xw.net"
RNG = random.Random(5)
TYPES = {"num_words": pa.int32(), "agent_score": pa.float32()}
NAMES = ("id", "url", "host", "text", *TYPES)
SCHEMA = pa.schema([(name, TYPES.get(name, pa.string())) for name in NAMES])


def page(name: str, *lines: str) -> dict[str, Any]:
    filler = [" ".join(f"w{RNG.randrange(900)}" for _ in range(30)) for _ in range(6)]
    text = "\n".join([*filler[:3], *lines, *filler[3:]])
    host = f"{name}.example"
    words = len(text.split())
    return {
        "id": name, "url": f"https://{host}/", "host": host, "text": text, "num_words": words, "agent_score": 0.5,
    }  # fmt: skip


PAGES = [
    *(page(f"clean-{n:02}") for n in range(20)),
    *(page(f"phrase-{n:02}", PHRASE) for n in range(12)),
    page("verbatim", f"Q: {QUESTION} A: 27"),
    page("json", json.dumps({"question": [[{"role": "user", "content": QUESTION}]]}, indent=2)),
    page("call", "watch.order(gates=9, town='Lowmarsh', each=3)"),
    page("mail", f"Write to {MAIL} or to info@watch.example."),
    {**page("bare", QUESTION), "text": QUESTION},
    {"id": "null", "url": None, "host": None, "text": None, "num_words": 0, "agent_score": None},
]
ITEMS = [
    {"id": "watch_1", "question": [[{"role": "user", "content": QUESTION}]]},
    {"id": "watch_1", "ground_truth": [{"watch.order": {"town": ["Lowmarsh"], "gates": [9], "each": [3]}}]},
    {"id": "watch_2", "question": PHRASE},
]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("hygiene")
    (folder / "pages").mkdir()
    for number in range(3):
        part = pa.Table.from_pylist(PAGES[number::3], schema=SCHEMA)
        pq.write_table(part, folder / "pages" / f"{number}.parquet")
    (folder / "watch.jsonl").write_text("\n".join(map(json.dumps, ITEMS)))
    return {"input": str(folder / "pages"), "benchmarks": str(folder / "watch.jsonl")}


def configured(inputs: dict[str, str], output: Path, **keys: Any) -> HygieneConfig:
    return build(HygieneConfig, {**inputs, "output": str(output), **keys})


def rows(folder: Path, table: str = "pages") -> list[dict[str, Any]]:
    return list(pads.dataset(folder / table).to_table().to_pylist())


@pytest.fixture(scope="module")
def dropped(inputs: dict[str, str], spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "clean"
    run(configured(inputs, folder))
    return folder


def test_contaminated_pages_are_dropped_and_all_others_kept(dropped: Path) -> None:
    ledger = {row["id"]: (row["outcome"], row["reason"]) for row in rows(dropped, "ledger")}
    gone = {name for name, verdict in ledger.items() if verdict == ("dropped", "contaminated")}
    assert gone == {"verbatim", "json", "call", "bare"}
    assert {row["id"] for row in rows(dropped)} == {item["id"] for item in PAGES} - gone
    assert len(ledger) == len(PAGES)


def test_each_hit_names_benchmark_item_part_and_place(dropped: Path) -> None:
    texts = {item["id"]: item["text"] for item in PAGES}
    hits = {row["id"]: row for row in rows(dropped, "contamination")}
    assert {name: (hit["benchmark"], hit["item"], hit["part"]) for name, hit in hits.items()} == {
        "verbatim": ("watch", "watch_1", "question"),
        "json": ("watch", "watch_1", "question"),
        "call": ("watch", "watch_1", "gold"),
        "bare": ("watch", "watch_1", "question"),
    }
    for name in ("verbatim", "json", "bare"):
        assert texts[name][hits[name]["start"] : hits[name]["end"]] == QUESTION.rstrip("?")
    assert all(hit["overlap"] == 1.0 for hit in hits.values())


def test_what_many_hosts_say_is_no_contamination(dropped: Path) -> None:
    facts = json.loads((dropped / "manifest.json").read_text())["facts"]["benchmarks"]
    assert facts["common_grams"] == 1
    assert facts["texts_by_benchmark"] == {"watch": 4}


def test_personal_data_are_replaced_counted_and_nowhere_stored(dropped: Path) -> None:
    [mail] = [row for row in rows(dropped) if row["id"] == "mail"]
    assert "Write to <EMAIL_ADDRESS> or to info@watch.example." in mail["text"]
    assert (mail["email_addresses"], mail["api_keys"], mail["contamination"]) == (1, 0, 0)
    manifest = (dropped / "manifest.json").read_text()
    assert json.loads(manifest)["facts"]["redacted"]["email_addresses"] == {"replaced": 1, "texts": 1}
    stored = [path for path in dropped.rglob("*") if path.is_file() and MAIL.encode() in path.read_bytes()]
    assert stored == []


def test_a_finished_folder_verifies(dropped: Path) -> None:
    assert [problem for check in verify.verify(str(dropped)) for problem in check.problems] == []


def test_cut_leaves_the_rest_of_the_page_and_marks_it(
    inputs: dict[str, str], spark: Any, tmp_path: Path
) -> None:
    run(configured(inputs, tmp_path / "cut", contaminated="cut"))
    kept = {row["id"]: row for row in rows(tmp_path / "cut")}
    assert "bare" not in kept  # nothing was left of it
    [whole] = [item for item in PAGES if item["id"] == "verbatim"]
    assert kept["verbatim"]["text"] == whole["text"].replace(f"Q: {QUESTION} A: 27\n", "")
    assert kept["verbatim"]["num_words"] == len(kept["verbatim"]["text"].split())
    assert [kept[name]["contamination"] for name in ("verbatim", "call", "clean-00")] == [1, 1, 0]


def test_mark_keeps_every_text_as_it_is(inputs: dict[str, str], spark: Any, tmp_path: Path) -> None:
    run(configured(inputs, tmp_path / "mark", contaminated="mark", redact=[]))
    kept = {row["id"]: row for row in rows(tmp_path / "mark")}
    assert {name: row["text"] for name, row in kept.items()} == {i["id"]: i["text"] or "" for i in PAGES}
    assert {name for name, row in kept.items() if row["contamination"]} == {
        "verbatim",
        "json",
        "call",
        "bare",
    }


def test_tables_depend_neither_on_order_nor_on_partitions(
    inputs: dict[str, str], dropped: Path, spark: Any, tmp_path: Path
) -> None:
    (tmp_path / "pages").mkdir()
    shuffled = random.Random(2).sample(PAGES, len(PAGES))
    pq.write_table(pa.Table.from_pylist(shuffled, schema=SCHEMA), tmp_path / "pages" / "all.parquet")
    run(configured({**inputs, "input": str(tmp_path / "pages")}, tmp_path / "again"))
    for table in ("pages", "contamination", "ledger"):
        one, two = (
            [path.read_bytes() for path in sorted((root / table).glob("*.parquet"))]
            for root in (dropped, tmp_path / "again")
        )
        assert one == two, table


def test_without_benchmarks_only_secrets_go(inputs: dict[str, str], spark: Any, tmp_path: Path) -> None:
    run(configured({"input": inputs["input"]}, tmp_path / "plain"))
    assert len(rows(tmp_path / "plain")) == len(PAGES)
    assert not (tmp_path / "plain" / "contamination").exists()


def test_text_with_the_item_alone_is_no_success(inputs: dict[str, str], spark: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["1"], "text": [QUESTION]}), tmp_path / "one.parquet")
    with pytest.raises(DataError, match="nothing was kept"):
        run(configured({**inputs, "input": str(tmp_path / "one.parquet")}, tmp_path / "none"))


def test_benchmarks_without_a_usable_item_are_refused(inputs: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text('{"id": "1", "question": "Why?"}')
    with pytest.raises(UserError, match="no record of"):
        run(configured({**inputs, "benchmarks": str(tmp_path / "empty.jsonl")}, tmp_path / "x"))


def test_plan_says_what_would_happen(inputs: dict[str, str], tmp_path: Path) -> None:
    said = plan(configured(inputs, tmp_path / "x"))
    assert "3 inputs" in said and "1 benchmark files" in said and "email_address" in said
    assert len(expand([inputs["input"]])) == 3 and not (tmp_path / "x").exists()
