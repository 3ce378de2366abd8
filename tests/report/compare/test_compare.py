"""Two folders side by side: every number of both, the largest effect first, and what has no counterpart is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.engine.tables import LABELS
from corpus.report.compare.differences import between, pair
from corpus.report.config import ReportConfig
from corpus.report.grids import Grid, grid
from corpus.report.run import plan, run
from tests.report import synthetic

Row = dict[str, Any]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.make_workspace(tmp_path_factory.mktemp("compare") / "demo")


def compared(a: Path, b: Path, output: Path) -> Row:
    run(build(ReportConfig, {"input": [str(a), str(b)], "output": str(output)}))
    found: Row = json.loads((output / "stats.json").read_bytes())
    return found


def of(stats: Row, table: str, row: str, column: str) -> Row:
    return next(
        d for d in stats["differences"] if (d["table"], d["row"], d["column"]) == (table, row, column)
    )


def changed(path: Path, change: Callable[[Row], object]) -> None:
    """Edit a JSON file."""
    data = json.loads(path.read_bytes())
    change(data)
    path.write_text(json.dumps(data))


# Whole workspaces


def test_equal_workspaces_differ_in_nothing(workspace: Path, tmp_path: Path) -> None:
    stats = compared(workspace, workspace, tmp_path / "out")
    assert stats["differences"] == [] and stats["notices"] == [] and stats["numbers_compared"] > 500
    text = (tmp_path / "out" / "index.html").read_text()
    assert "equal in all of them" in text and "Equal byte by byte" in text


def test_differences_are_those_of_the_tables_with_units_and_order(workspace: Path, tmp_path: Path) -> None:
    other = synthetic.make_workspace(tmp_path / "other")
    synthetic.make_seeds(other)
    table = ds.dataset(other / "seeds" / "seeds", format="parquet").to_table()
    for file in (other / "seeds" / "seeds").iterdir():
        file.unlink()
    rows = [row for row in table.to_pylist() if row["source"] != "tldr"]
    files = synthetic.write_table(other / "seeds", "seeds", table.schema, rows)
    synthetic.finish(other / "seeds", "seeds", {("kept", ""): len(rows), ("dropped", "too_short"): 164}, {"seeds": files}, seconds=9)  # fmt: skip
    stats = compared(workspace, other, tmp_path / "out")
    seeds = of(stats, "totals_count", "seeds", "value")
    assert (seeds["a"], seeds["b"], seeds["change"]) == (
        table.num_rows,
        len(rows),
        len(rows) - table.num_rows,
    )
    assert seeds["relative"] == pytest.approx(len(rows) / table.num_rows - 1)
    lost = [d for d in stats["differences"] if d["table"] == "sources" and d["row"].startswith("tldr")]
    gone = next(d for d in lost if d["column"] == "items")
    assert (gone["a"], gone["b"], gone["relative"]) == (150, 0, -1)
    reason = of(stats, "funnel", "seeds, dropped, too_short", "records")
    assert (reason["a"], reason["b"]) == (14, 164)
    effects = [d["effect"] for d in stats["differences"]]
    assert effects == sorted(effects, reverse=True) and min(effects) > 0
    assert not any(d["kind"] == "duration" for d in stats["differences"])  # the machine's time is no content


def test_the_page_shows_both_sides_and_each_table_again(workspace: Path, tmp_path: Path) -> None:
    other = synthetic.make_workspace(tmp_path / "other")
    changed(other / "unique" / "manifest.json", lambda m: m["config"].update(threshold=0.9))
    synthetic.make_pages(other, 500)
    stats = compared(workspace, other, tmp_path / "out")
    text = (tmp_path / "out" / "index.html").read_text()
    assert text.index('id="differences"') < text.index('id="totals"') < text.index('id="settings"')
    assert "demo" in text and "other" in text and "threshold: None -&gt; 0.9" in text
    listed = {
        entry["path"] for entry in json.loads((tmp_path / "out" / "manifest.json").read_bytes())["files"]
    }
    assert {
        "tables/differences.csv",
        "latex/differences.tex",
        "figures/effects.svg",
        "tables/stages.csv",
    } <= listed
    assert of(stats, "funnel", "filter, kept", "records")["b"] == 500
    assert synthetic.SCRIPT not in text and "onerror=alert(1)&gt;" in text


def test_other_tokenizers_are_said_before_any_number(workspace: Path, tmp_path: Path) -> None:
    other = synthetic.make_workspace(tmp_path / "other")
    changed(other / "shards" / "manifest.json", lambda m: m["facts"]["tokenizer"].update(sha256="cd"))
    stats = compared(workspace, other, tmp_path / "out")
    assert stats["notices"][0]["level"] == "problem" and "tokenizers differ" in stats["notices"][0]["text"]


def test_what_one_side_lacks_is_named_and_not_taken_for_zero(workspace: Path, tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path / "few")
    stats = compared(workspace, tmp_path / "few", tmp_path / "out")
    assert stats["differences"] == []  # the seeds are equal, and nothing else is on both sides
    assert any("classifier" in what.lower() or "classifier" in why for what, why in stats["apart"])
    assert all(why for _, why in stats["apart"]) and len(stats["apart"]) > 10


# Stages and runs


def test_stages_of_two_kinds_are_compared_in_what_they_share(workspace: Path, tmp_path: Path) -> None:
    stats = compared(workspace / "pages", workspace / "matched", tmp_path / "out")
    pages = of(stats, "totals_count", "pages", "value")
    assert (pages["a"], pages["b"]) == (900, 700)
    said = " ".join(notice["text"] for notice in stats["notices"])
    assert (
        "A is the stage filter and B is the stage match" in said
        and "different stages: matched and pages" in said
    )
    assert any("Input archives" in what for what, _ in stats["apart"])


def test_training_runs_are_compared_with_their_settings(workspace: Path, tmp_path: Path) -> None:
    runs = workspace / "training"
    for run_folder, rate in ((runs / "stage1", 0.1), (runs / "stage2", 0.2)):
        (run_folder / "config.yaml").write_text(f"optimiser: {{lr: {rate}}}\n")
    stats = compared(runs / "stage1", runs / "stage2", tmp_path / "out")
    loss = next(d for d in stats["differences"] if d["table"] == "training" and d["column"] == "last_loss")
    ends = [
        [json.loads(line) for line in (runs / name / "metrics.jsonl").open()] for name in ("stage1", "stage2")
    ]
    last = [[row["loss"] for row in rows if row["event"] == "step"][-1] for rows in ends]
    assert [loss["a"], loss["b"]] == last
    assert "optimiser.lr: 0.1 -&gt; 0.2" in (tmp_path / "out" / "index.html").read_text()


def test_a_stage_that_the_report_has_no_section_for_is_compared_by_its_manifest(tmp_path: Path) -> None:
    for name, kept in (("a", 10), ("b", 30)):
        files = synthetic.write_table(
            tmp_path / name, "labels", LABELS.schema, [{"url": str(n)} for n in range(kept)]
        )
        counts = {("kept", ""): kept, ("dropped", "no_vote"): 10}
        synthetic.finish(tmp_path / name, "label", counts, {"labels": files}, seconds=1)
    stats = compared(tmp_path / "a", tmp_path / "b", tmp_path / "out")
    assert of(stats, "tables", "labels", "rows")["b"] == 30
    kept = of(stats, "funnel", "kept", "records")
    assert (kept["a"], kept["b"], kept["effect"]) == (
        10,
        30,
        pytest.approx(0.25),
    )  # of 50 % and 75 % of the records


def test_stages_without_a_common_number_say_so(workspace: Path, tmp_path: Path) -> None:
    stats = compared(workspace / "shards", workspace / "classifier", tmp_path / "out")
    assert stats["differences"] == [] and len(stats["apart"]) > 3


def test_folders_that_hold_nothing_get_one_sentence(workspace: Path, tmp_path: Path) -> None:
    for other in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UserError, match=other.name):
            compared(workspace, other, tmp_path / "out")
    with pytest.raises(UserError, match="two to set side by side; 3"):
        build(ReportConfig, {"input": "a,b,c"})
    config = build(ReportConfig, {"input": f"{workspace},{workspace}"})
    assert config.folder == "comparison" and "side by side" in plan(config)


# Tables


def table(rows: list[Row], **columns: str) -> Grid:
    return grid("t", "T", {key: (key, kind) for key, kind in columns.items()}, rows)


def one(a: list[Row], b: list[Row], most: int = 15, **columns: str) -> list[Any]:
    found = pair(table(a, **columns), table(b, **columns))
    return between(found, most) if found else []


def test_parts_of_a_whole_count_by_their_share() -> None:
    kinds = {"name": "text", "pages": "count", "share": "percent"}
    a = [{"name": "x", "pages": 10, "share": 0.1}, {"name": "y", "pages": 90, "share": 0.9}]
    b = [{"name": "x", "pages": 500, "share": 0.5}, {"name": "y", "pages": 500, "share": 0.5}]
    effects = {(d.row, d.column.key): d.effect for d in one(a, b, **kinds)}
    assert effects["x", "pages"] == effects["x", "share"] == pytest.approx(0.4)


def test_a_row_that_a_cut_list_lacks_is_unknown_and_one_that_a_whole_list_lacks_is_zero() -> None:
    a, b = (
        [{"name": "x", "pages": 10}, {"name": "y", "pages": 5}],
        [{"name": "x", "pages": 10}, {"name": "z", "pages": 9}],
    )
    for most, absent in ((15, 0), (2, None)):
        found = {d.row: (d.a, d.b) for d in one(a, b, most, name="text", pages="count")}
        assert found == {"x": (10, 10), "y": (5, absent), "z": (absent, 9)}


def test_distributions_are_compared_by_what_lies_elsewhere() -> None:
    def bins(*counts: int) -> list[Row]:
        return [{"from": n, "below": n + 1, "pages": count} for n, count in enumerate(counts)]

    kinds = {"from": "number", "below": "number", "pages": "count"}
    (found,) = one(bins(50, 50), bins(100, 0, 100), **kinds)
    assert found.effect == pytest.approx(0.5)
    assert one(bins(5, 5), bins(50, 50), **kinds)[0].effect == 0


def test_curves_over_other_places_are_not_matched_row_by_row() -> None:
    def curve(step: int) -> list[Row]:
        return [{"tokens": n * step, "loss": 5.0} for n in range(1, 9)]

    kinds = {"tokens": "count", "loss": "decimal"}
    assert pair(table(curve(100), **kinds), table(curve(130), **kinds)) is None
    assert pair(table(curve(100), **kinds), table(curve(100), **kinds)) is not None


def test_small_counts_weigh_little() -> None:
    (few,), (many,) = (
        one([{"name": "x", "pages": n}], [{"name": "x", "pages": 2 * n}], name="text", pages="count")
        for n in (1, 1000)
    )
    assert few.effect < 0.05 < 0.4 < many.effect
