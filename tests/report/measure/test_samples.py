"""Examples of documents: one of each kind, from cleaned tables, the kinds of agent data first."""

from __future__ import annotations

from pathlib import Path

from corpus.engine.tables import SEEDS
from corpus.report.measure.samples import LONGEST, MOST, samples
from corpus.report.workspace import open_workspace
from tests.report import synthetic


def test_each_kind_shows_its_smallest_id_cut_short(tmp_path: Path) -> None:
    rows = [
        {"id": synthetic.identity(kind, at), "kind": kind, "text": f"{kind} {at} " + "x" * 2000}
        for kind in ("text", "trajectory", "tool_doc")
        for at in range(30)
    ]
    files = synthetic.write_table(tmp_path / "clean_seeds", "seeds", SEEDS.schema, rows, 3)
    synthetic.finish(tmp_path / "clean_seeds", "hygiene", {("kept", ""): 90}, {"seeds": files}, seconds=1)
    found = samples(open_workspace(str(tmp_path)))
    assert [row["kind"] for row in found] == ["tool_doc", "trajectory", "text"]
    for row in found:
        first = min((one for one in rows if one["kind"] == row["kind"]), key=lambda one: one["id"])
        assert first["text"].startswith(row["text"].removesuffix("\n…")) and len(row["text"]) == LONGEST + 2


def test_seeds_that_hygiene_has_not_seen_are_not_shown(tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path)
    assert samples(open_workspace(str(tmp_path))) == []


def test_many_kinds_are_cut_to_a_few(tmp_path: Path) -> None:
    rows = [{"id": synthetic.identity(at), "kind": f"kind {at:02d}", "text": "t"} for at in range(20)]
    files = synthetic.write_table(tmp_path / "clean_seeds", "seeds", SEEDS.schema, rows)
    synthetic.finish(tmp_path / "clean_seeds", "hygiene", {("kept", ""): 20}, {"seeds": files}, seconds=1)
    assert [row["kind"] for row in samples(open_workspace(str(tmp_path)))] == [
        f"kind {at:02d}" for at in range(MOST)
    ]
