"""Examples behind reasons: a fair choice that no order changes, texts where they may be shown, safe commands."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from corpus.engine.tables import CLEAN_PAGES, LEDGER, PAGES
from corpus.report.measure.reasons import command, examples
from corpus.report.workspace import open_workspace
from tests.report import synthetic

SECRET = "the answer to the benchmark's question"


def rows_of(number: int, reason: str) -> list[dict[str, Any]]:
    return [
        {"id": synthetic.identity(reason, at), "url": f"https://x.example/{at}", "stage": "dedup", "outcome": "dropped", "reason": reason}
        for at in range(number)
    ]  # fmt: skip


def make(root: Path, ledger: list[dict[str, Any]], parts: int) -> Path:
    pages = [{"id": row["id"], "url": row["url"], "text": f"{SECRET} {row['id']}"} for row in ledger]
    texts = synthetic.write_table(
        root / "unique", "pages", PAGES.schema, sorted(pages, key=lambda row: row["id"]), 1
    )
    synthetic.finish(root / "unique", "dedup", {("kept", ""): len(pages)}, {"pages": texts}, seconds=1)
    counts: dict[tuple[str, str], int] = {}
    for row in ledger:
        counts["dropped", row["reason"]] = counts.get(("dropped", row["reason"]), 0) + 1
    tables = {
        "ledger": synthetic.write_table(root / "clean", "ledger", LEDGER.schema, ledger, parts),
        "pages": synthetic.write_table(root / "clean", "pages", CLEAN_PAGES.schema, [], 1),
    }
    synthetic.finish(root / "clean", "hygiene", counts, tables, seconds=1)
    return root


def test_the_smallest_ids_are_shown_whatever_the_order_and_the_parts(tmp_path: Path) -> None:
    ledger = [*rows_of(40, "near"), *rows_of(9, "other")]
    one = examples(open_workspace(str(make(tmp_path / "a", ledger, 1))), 3, "w")
    two = examples(open_workspace(str(make(tmp_path / "b", ledger[::-1], 4))), 3, "w")
    assert one == two
    for reason, number in (("near", 40), ("other", 9)):
        ids = sorted(row["id"] for row in rows_of(number, reason))[:3]
        assert [row["id"] for row in one if row["reason"] == reason] == ids
    assert [row["reason"] for row in one] == ["near"] * 3 + ["other"] * 3  # the most frequent first


def test_texts_of_the_stage_before_are_shown_but_none_that_may_not_spread(tmp_path: Path) -> None:
    space = open_workspace(str(make(tmp_path, [*rows_of(2, "near"), *rows_of(2, "contaminated")], 2)))
    said = {row["reason"]: row["snippet"] for row in examples(space, 2, "w")}
    assert said["near"].startswith(SECRET) and said["contaminated"] is None


def test_a_kept_page_that_asks_to_be_left_out_is_not_quoted_where_a_later_stage_drops_it(
    tmp_path: Path,
) -> None:
    ledger = rows_of(2, "near")
    make(tmp_path, ledger, 1)
    pages = [{**row, "text": SECRET, "opt_out": "noai" * at} for at, row in enumerate(ledger)]
    texts = synthetic.write_table(tmp_path / "again", "pages", PAGES.schema, pages, 1)
    synthetic.finish(tmp_path / "again", "dedup", {("kept", ""): 2}, {"pages": texts}, seconds=1)
    shutil.rmtree(tmp_path / "unique")
    (tmp_path / "again").rename(tmp_path / "unique")
    said = {row["id"]: row["snippet"] for row in examples(open_workspace(str(tmp_path)), 2, "w")}
    assert [said[row["id"]] for row in ledger] == [SECRET, None]


def test_no_examples_are_made_where_none_are_asked_for(tmp_path: Path) -> None:
    assert examples(open_workspace(str(make(tmp_path, rows_of(4, "near"), 1))), 0, "w") == []


@pytest.mark.parametrize("name", ["x; rm -rf ~", "$(id)", "a b", "", None, "-1" * 60])
def test_an_id_that_is_no_plain_word_makes_no_command(name: str | None) -> None:
    assert command("work", name) is None


def test_the_workspace_is_quoted_for_a_shell() -> None:
    words = shlex.split(command("my work; $(id)", "abc123") or "")
    assert words == ["python", "jobs/inspect.py", "input=my work; $(id)", "id=abc123"]
