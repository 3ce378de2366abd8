"""Each cell's corpus is built by the jobs that it needs, shared where cells are alike, and free of the exam."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine import manifest
from corpus.engine.config import build as build_config
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest, describe_file
from training.ablate import main
from training.ablations.config import AblationConfig
from training.ablations.corpora import Corpora, JobError, Step
from training.ablations.exam import write_exam
from training.ablations.runs import runs_of


def stage(root: Path, name: str, table: str, rows: list[dict[str, Any]], config: dict[str, Any]) -> None:
    """A finished stage with one table."""
    folder = root / name
    (folder / table).mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / table / "part-0.parquet")
    files = {table: [describe_file(str(folder), f"{table}/part-0.parquet", len(rows))]}
    manifest.write(str(folder), Manifest(name, "0" * 64, config, [], {}, files, facts={}))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    seeds = [{"id": f"{n:032x}", "source": f"s{n % 2}", "path": f"file{n % 10}", "kind": ("tool_doc", "trajectory")[n % 2],
              "text": f"call number {n} of tool {n * 7} with value {n * n}"} for n in range(60)]  # fmt: skip
    stage(tmp_path / "work", "clean_seeds", "seeds", seeds, {})
    stage(
        tmp_path / "work",
        "pages",
        "pages",
        [{"id": "p", "text": "t"}],
        {"input": ["crawl.warc.gz"], "base": ""},
    )
    return tmp_path / "work"


def config(workspace: Path, **keys: Any) -> AblationConfig:
    cells: dict[str, Any] = {"whole": {}, "raw": {"filtered": False, "deduplicated": False, "matched": False},
                             "no-stage2": {"stage2": False}, "no-pages": {"retrieved": False}}  # fmt: skip
    given = {"workspace": str(workspace), "output": str(workspace.parent / "out"), "cells": cells, **keys}
    return build_config(AblationConfig, given)


def jobs(corpora: Corpora) -> list[tuple[str, str]]:
    return [(step.job, folder.name) for folder, step in corpora.steps.items()]


def test_whole_recipe_takes_what_the_workspace_has_and_cells_share_their_steps(workspace: Path) -> None:
    found = config(workspace)
    corpora = Corpora(found)
    whole = corpora.shards(found.cells["whole"])
    assert jobs(corpora) == [
        ("hygiene", "seeds-clean"), ("hygiene", "filtered-unique-clean"), ("match", "filtered-unique-matched"),
        ("shard", "filtered-unique-matched-0.36"),
    ]  # fmt: skip
    assert corpora.shards(found.cells["no-stage2"]) == whole and len(corpora.steps) == 4
    clean = corpora.steps[corpora.root / "filtered-unique-clean"].settings
    assert clean["input"] == [f"{workspace}/unique"] and clean["benchmarks"] == [str(corpora.exam)]
    sources = corpora.steps[whole].settings["input"]
    assert sources["retrieved"]["weight"] + sources["seeds"]["weight"] == 1
    assert sources["examples"]["set"] == "stage2"


def test_raw_pages_pass_neither_classifier_nor_rules_nor_match_but_the_exam_is_kept_from_them(
    workspace: Path,
) -> None:
    found = config(workspace, set={"filter": {"min_words": 5}})
    corpora = Corpora(found)
    corpora.shards(found.cells["raw"])
    assert [job for job, _ in jobs(corpora)] == ["hygiene", "filter", "hygiene", "shard"]
    settings = corpora.steps[corpora.root / "all"].settings
    assert (
        settings["threshold"] == 0 and settings["second"] is False and settings["input"] == ["crawl.warc.gz"]
    )
    assert settings["quality"] and not any(settings["quality"].values())  # every rule by name, switched off
    assert settings["min_words"] == 5  # what the user sets comes last


def test_corpus_of_another_is_decontaminated_where_it_is_parquet(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "peer").mkdir()
    pq.write_table(pa.table({"id": ["a"], "text": ["b"]}), tmp_path / "peer" / "a.parquet")
    cells = {"whole": {}, "peer": {"corpus": [str(tmp_path / "peer")]}, "lines": {"corpus": ["peer.jsonl"]}}
    corpora = Corpora(config(workspace, cells=cells))
    folders = [corpora.shards(corpora.config.cells[name]) for name in ("peer", "lines")]
    paths = [corpora.steps[folder].settings["input"]["retrieved"]["path"] for folder in folders]
    assert corpora.steps[Path(paths[0][0])].settings["input"] == [str(tmp_path / "peer")]
    assert paths[1] == ["peer.jsonl"]


def test_every_cell_trains_on_the_same_tokens(workspace: Path) -> None:
    found = config(workspace, tokens=1000, stage2_share=0.2, seeds=[1, 2])
    runs = runs_of(found, {name: Path("shards") / name for name in found.cells})
    assert len(runs) == 8 and [run.cell for run in runs[:4]] == list(found.cells)
    for run in runs:
        tokens = [
            int(word.partition("=")[2])
            for one in run.stages
            for word in one.words
            if word.startswith("tokens=")
        ]
        assert sum(tokens) == 1000
        assert [one.folder.name for one in run.stages] == (
            ["stage1"] if run.cell == "no-stage2" else ["stage1", "stage2"]
        )
    second = runs[0].stages[1].words
    assert f"model={runs[0].stages[0].folder / 'export'}" in second


def test_exam_holds_out_whole_files_and_stays_the_same(workspace: Path, tmp_path: Path) -> None:
    count = write_exam(workspace, 0.4, tmp_path / "exam.jsonl")
    items = [json.loads(line) for line in (tmp_path / "exam.jsonl").read_text().splitlines()]
    assert len(items) == count and {item["category"] for item in items} <= {"tool_doc", "trajectory"}
    chosen = {int(item["id"], 16) for item in items}
    files = {(n % 2, n % 10) for n in chosen}
    assert chosen == {n for n in range(60) if (n % 2, n % 10) in files} and 0 < len(chosen) < 60
    before = (tmp_path / "exam.jsonl").read_bytes()
    write_exam(workspace, 0.4, tmp_path / "exam.jsonl")
    assert (tmp_path / "exam.jsonl").read_bytes() == before


def test_job_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    step = Step("hygiene", tmp_path / "out" / "clean", {"input": [], "benchmarks": []})
    with pytest.raises(
        JobError, match="hygiene of clean ended with code 2: error: input= is empty"
    ) as caught:
        step.run("")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"reference": "hole"}, "did you mean 'whole'"),
        ({"only": ["rw"]}, "did you mean 'raw'"),
        ({"cells": {"whole": {"stage1": False, "stage2": False}}}, "trains on nothing"),
        ({"held_out": 0}, "nothing to measure"),
        ({"set": {"mach": {}}}, "did you mean 'match'"),
    ],
)
def test_matrix_that_cannot_be_run_is_refused(workspace: Path, keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        config(workspace, **keys)


def test_matrix_of_the_repository_names_its_jobs_and_runs(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--config",
        "conf/training/ablations/tiny.yaml",
        f"workspace={workspace}",
        "output=out",
        "--dry-run",
    ]
    assert main([*words, "only=whole,raw"]) == 0
    said = capsys.readouterr().out
    assert "ablation: 2 cells" in said and "run      raw, seed 3: stage1, stage2" in said
