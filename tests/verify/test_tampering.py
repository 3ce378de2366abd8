"""What anybody does to a finished stage, with or without mending its manifest, is named by a check."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine import manifest
from corpus.verify.config import VerifyConfig
from corpus.verify.run import run
from tests.verify.conftest import Copy
from tests.verify.tampering import (
    checks,
    edit,
    edit_manifest,
    failed,
    first_part,
    flip_a_byte,
    with_value,
)

STAGES = ("seeds", "clean_seeds", "classifier", "pages", "unique", "clean", "matched", "shards")


@pytest.mark.parametrize("stage", STAGES)
def test_a_flipped_byte_in_any_kind_of_file_is_named(stage: str, copy: Copy) -> None:
    folder = copy(stage)
    tables = json.loads((folder / "manifest.json").read_text())["tables"]
    victims = [files[0]["path"] for files in tables.values()]
    for path in victims:
        flip_a_byte(folder / path)
    said = failed(folder, checks=("sha256",))["sha256"]
    assert all(path in said for path in victims[:10])
    assert set(failed(folder)) >= {"sha256"}


def test_a_dropped_file_and_a_stranger_are_named(copy: Copy) -> None:
    folder = copy("shards")
    lost = first_part(folder, "stage1/agent")
    (lost.parent / "part-99999.parquet").write_bytes(lost.read_bytes())
    lost.unlink()
    (folder / "tokenizer" / "vocab.txt").write_text("")
    said = failed(folder)["files"]
    assert f"{lost.name} is missing" in said
    assert "part-99999.parquet is not in the manifest" in said
    assert "tokenizer/vocab.txt is not in the manifest" in said


def test_hidden_files_are_told_and_forgiven(copy: Copy) -> None:
    folder = copy("clean")
    (folder / "pages" / "._note").write_text("x")
    check = checks(folder, checks=("files",))["files"]
    assert check.outcome == "ok" and "._note" in str(check)


def test_an_added_row_is_named_by_bytes_rows_and_id(copy: Copy) -> None:
    folder = copy("clean")
    edit(folder, "pages", lambda table: pa.concat_tables([table, table.slice(3, 1)]), mend=False)
    said = failed(folder)
    assert {"sha256", "rows", "counts", "ids"} <= set(said)
    assert "309 rows, manifest 308" in said["rows"] or "rows, manifest" in said["rows"]


def test_an_added_row_is_named_where_the_manifest_was_mended(copy: Copy) -> None:
    folder = copy("clean")
    kept = pq.read_table(first_part(folder, "pages"), columns=["id"])["id"][3].as_py()
    edit(folder, "pages", lambda table: pa.concat_tables([table, table.slice(3, 1)]))
    said = failed(folder)
    assert "sha256" not in said and "rows" not in said
    assert kept in said["ids"] and "hold" in said["counts"]


def test_a_lost_row_is_named(copy: Copy) -> None:
    folder = copy("unique")
    gone = pq.read_table(first_part(folder, "pages"), columns=["id"])["id"][0].as_py()
    edit(folder, "pages", lambda table: table.slice(1))
    said = failed(folder)
    assert gone in said["ledger"] and "counts" in said


def test_a_row_of_nowhere_is_named(copy: Copy) -> None:
    folder = copy("clean")
    stranger = "f" * 32
    for table in ("pages", "ledger"):
        edit(folder, table, lambda rows: with_value(rows, "id", 0, stranger))
    said = failed(folder)
    assert stranger in said["origin"] and "are not in the ledger" in said["origin"]


def test_rows_that_name_rows_that_are_not_there_are_named(copy: Copy) -> None:
    unique, matched = copy("unique"), copy("matched")
    edit(unique, "duplicates", lambda rows: with_value(rows, "kept_id", 0, "0" * 32))
    assert "0" * 32 in failed(unique)["references"]
    edit(matched, "pages", lambda rows: with_value(rows, "match_seed_id", 0, "1" * 32))
    assert "1" * 32 in failed(matched)["references"]


def test_a_page_that_is_another_record_of_its_archive_is_named(copy: Copy) -> None:
    folder = copy("pages")
    rows = pq.read_table(first_part(folder, "pages"))
    other = rows["offset"][1].as_py()
    edit(folder, "pages", lambda table: with_value(table, "offset", 0, other))
    said = failed(folder, deep=True)["origin"]
    assert rows["id"][0].as_py() in said and "another" in said


@pytest.mark.parametrize(
    ("change", "check", "sentence"),
    [
        (
            lambda data: data["counts"].update(kept=data["counts"]["kept"] + 1),
            "counts",
            "kept, the manifest says",
        ),
        (lambda data: data["counts"].update(records_in=1), "counts", "1 records came in"),
        (lambda data: data["counts"]["by_reason"].pop(), "counts", "the manifest says 0"),
        (lambda data: data["config"].update(overlap=0.9), "fingerprint", "the manifest says"),
        (lambda data: data["inputs"].pop(), "fingerprint", "the manifest says"),
        (lambda data: data["tables"]["pages"][0].update(rows=1), "rows", "manifest 1"),
        (lambda data: data["tables"]["pages"][0].update(bytes=1), "rows", "manifest 1"),
        (lambda data: data["tables"]["pages"].append(data["tables"]["pages"][0]), "files", "listed twice"),
        (lambda data: data["tables"].pop("contamination"), "files", "is not in the manifest"),
    ],
)
def test_a_changed_manifest_is_named(change: Any, check: str, sentence: str, copy: Copy) -> None:
    folder = copy("clean")
    edit_manifest(folder, change)
    assert sentence in failed(folder)[check]


def test_a_column_of_another_type_is_named(copy: Copy) -> None:
    folder = copy("clean")

    def changed(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index("contamination")
        return table.set_column(at, "contamination", table["contamination"].cast(pa.int64()))

    edit(folder, "pages", changed)
    assert "column 'contamination' is int64, declared is int32" in failed(folder)["schema"]
    edit(folder, "ledger", lambda table: table.drop_columns(["reason"]).append_column("why", table["reason"]))
    said = failed(folder)["schema"]
    assert "column 'reason' is missing" in said and "why is not declared" in said


def test_planted_contamination_is_named(copy: Copy, demo: tuple[Path, str]) -> None:
    folder = copy("clean")
    questions = (demo[0] / "embedded" / "benchmarks" / "harbour_questions.jsonl").read_text().splitlines()
    item = json.loads(questions[0])
    planted = json.dumps(item)
    text = pq.read_table(first_part(folder, "pages"), columns=["text"])["text"][0].as_py()
    edit(folder, "pages", lambda table: with_value(table, "text", 0, f"{text}\n\n{planted}"))
    said = failed(folder, deep=True)
    assert set(said) == {"contamination"} and "harbour_questions" in said["contamination"]


def test_contamination_is_said_to_be_unchecked_where_the_benchmarks_are_gone(copy: Copy) -> None:
    folder = copy("clean")
    edit_manifest(folder, lambda data: data["config"].update(benchmarks=["/nowhere/benchmarks"]))
    for path in (folder / "benchmarks").iterdir():
        path.unlink()
    check = checks(folder, checks=("contamination",))["contamination"]
    assert check.outcome == "skipped" and "benchmarks not reachable" in check.skipped


def test_a_stage_that_was_made_again_since_is_named(copy: Copy) -> None:
    folder = copy("matched", "clean", "unique")
    edit_manifest(folder, lambda data: data["config"].update(input=[str(folder.parent / "clean")]))
    assert "chain" not in failed(folder)
    edit(folder.parent / "clean", "pages", lambda table: table.slice(1))
    said = failed(folder)["chain"]
    assert "hygiene/pages was made again since" in said and str(folder.parent / "clean") in said


def test_a_break_further_up_the_chain_is_named(copy: Copy) -> None:
    folder = copy("matched", "clean", "unique")
    for stage, before in (("matched", "clean"), ("clean", "unique")):
        moved = [str(folder.parent / before)]
        edit_manifest(folder.parent / stage, lambda data, moved=moved: data["config"].update(input=moved))
    edit(folder.parent / "unique", "pages", lambda table: table.slice(1))
    said = failed(folder)["chain"]
    assert "dedup/pages was made again since" in said and "of " in said


def test_a_workspace_that_was_moved_is_checked_against_itself(copy: Copy, tmp_path: Path) -> None:
    copy("shards", *STAGES[:-1])
    for stage in STAGES:
        text = (tmp_path / stage / "manifest.json").read_text()
        data = json.loads(text)
        data["config"] = json.loads(json.dumps(data["config"]).replace("/demo/", "/gone/"))
        (tmp_path / stage / "manifest.json").write_text(json.dumps(data))
    found = checks(tmp_path / "matched")
    assert found["origin"].outcome == "ok" and str(tmp_path / "clean") in str(found["origin"])
    assert found["contamination"].outcome == "ok"


def test_inputs_that_cannot_be_reached_are_skipped_by_name(copy: Copy) -> None:
    folder = copy("clean")
    edit_manifest(folder, lambda data: data["config"].update(input=["/nowhere/else"]))
    found = checks(folder)
    assert found["origin"].outcome == "skipped" and "not reached: dedup/pages" in found["origin"].skipped


def test_unreadable_tables_fail_their_checks_and_stop_no_other(copy: Copy, demo: tuple[Path, str]) -> None:
    folder = copy("clean")
    first_part(folder, "pages").write_bytes(b"PAR1 and nothing of the kind")
    said = failed(folder)
    assert "cannot be read" in said["rows"]
    assert list(checks(folder)) == list(checks(demo[0] / "clean"))


def test_one_line_per_check_and_exit_code_three(copy: Copy, repository: Path, demo: tuple[Path, str]) -> None:
    folder = copy("unique")
    flip_a_byte(first_part(folder, "pages"))
    command = [sys.executable, "jobs/verify.py", f"input={folder},{demo[0] / 'clean'}"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "sha256 of" in done.stderr
    lines = done.stdout.splitlines()
    for name in ("fingerprint", "files", "sha256", "counts", "ids", "ledger", "chain", "origin"):
        assert len([line for line in lines if line.split()[1:2] == [name]]) == 2
    assert not [line for line in lines if line.startswith("  FAILED") and str(demo[0]) in line]


def test_the_road_verifies_as_a_workspace(demo: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    said = run(VerifyConfig(input=(str(demo[0]),)))
    assert "8 folders verified" in said
    printed = capsys.readouterr().out
    assert "FAILED" not in printed
    assert (
        printed.index("/pages: filter") < printed.index("/clean: hygiene") < printed.index("/shards: shard")
    )


@pytest.mark.slow
def test_the_road_verifies_in_depth(demo: tuple[Path, str]) -> None:
    assert "verified" in run(VerifyConfig(input=(str(demo[0]),), deep=True))


def test_the_fingerprint_of_every_stage_is_made_again(demo: tuple[Path, str]) -> None:
    for stage in STAGES:
        found = manifest.read(str(demo[0] / stage))
        assert checks(demo[0] / stage, checks=("fingerprint",))["fingerprint"].outcome == "ok", found.stage
