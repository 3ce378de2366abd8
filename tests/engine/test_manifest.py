"""The manifest: its fingerprint follows what decides the result, and damage is told in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpus.engine import claim, manifest, storage
from corpus.engine.config import build, to_dict
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest, OutputFile
from tests.engine.jobs_for_tests import SmallConfig

INPUTS = [{"path": "/a.gz", "bytes": 3, "etag": "1"}]


def print_of(inputs: list[dict[str, object]] | None = None, stage: str = "s", **keys: object) -> str:
    config = build(SmallConfig, {"output": "o", **keys})
    return manifest.fingerprint(
        stage, to_dict(config, with_volatile=False), INPUTS if inputs is None else inputs
    )


def example(folder: Path) -> Manifest:
    (folder / "pages").mkdir(exist_ok=True)
    (folder / "pages" / "part-0.parquet").write_bytes(b"12345")
    files = {"pages": [OutputFile("pages/part-0.parquet", 2, 5, "ab")]}
    return Manifest(
        "s", "f", {"count": 3}, INPUTS, {"kept": 2}, files, 1.5, {"x": 1}, {"python": "3"}, str(folder)
    )


def test_the_fingerprint_changes_with_stage_config_and_inputs() -> None:
    prints = [
        print_of(),
        print_of(stage="t"),
        print_of(count=4),
        print_of(limits={"label": "y"}),
        print_of([]),
        print_of([{**INPUTS[0], "etag": "2"}]),
        print_of([*INPUTS, *INPUTS]),
    ]
    assert len(set(prints)) == len(prints)


def test_the_fingerprint_does_not_change_with_volatile_keys_or_order_of_keys() -> None:
    assert print_of() == print_of(output="elsewhere", master="local[1]", max_failed_fraction=0.9)
    assert print_of([dict(reversed(INPUTS[0].items()))]) == print_of()


def test_a_manifest_reads_back_as_it_was_written(tmp_path: Path) -> None:
    written = example(tmp_path)
    manifest.write(str(tmp_path), written)
    assert manifest.read(str(tmp_path)) == written
    assert manifest.read(str(tmp_path)).rows("pages") == 2


def test_the_marker_of_success_is_written_last_and_both_files_are_needed(tmp_path: Path) -> None:
    manifest.write(str(tmp_path), example(tmp_path))
    assert manifest.is_finished(str(tmp_path))
    for name in (manifest.MANIFEST, manifest.SUCCESS):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        assert not manifest.is_finished(str(tmp_path))
        with pytest.raises(
            UserError, match="is no finished stage: it has no _SUCCESS; run the stage that makes it"
        ):
            manifest.read(str(tmp_path))
        (tmp_path / name).write_bytes(data)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"tables": []}', '{"tables": {"p": [{"path": "x"}]}}', "\x00"]
)
def test_a_damaged_manifest_is_one_sentence_with_the_way_out(tmp_path: Path, text: str) -> None:
    manifest.write(str(tmp_path), example(tmp_path))
    (tmp_path / manifest.MANIFEST).write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json is damaged .* run the stage again"):
        manifest.read(str(tmp_path))


def test_facts_may_hold_the_numbers_of_numpy(tmp_path: Path) -> None:
    manifest.write(
        str(tmp_path), replace(example(tmp_path), facts={"share": np.float32(0.5), "n": np.int64(3)})
    )
    assert manifest.read(str(tmp_path)).facts == {"share": 0.5, "n": 3}


def test_the_digest_follows_the_content_of_the_files(tmp_path: Path) -> None:
    one = example(tmp_path)
    other = replace(one, tables={"pages": [replace(one.tables["pages"][0], sha256="cd")]})
    assert one.digest() == replace(one, seconds=9.0, facts={}).digest()
    assert one.digest() != other.digest()


def test_versions_name_the_code_and_what_can_change_a_result() -> None:
    assert {"hephaestus-forge", "python", "pyarrow", "pyspark"} <= set(manifest.versions())


def test_addresses_are_written_down_without_their_secrets() -> None:
    config = {
        "input": ["s3://k:s@b/x?q=1", "/a?b"],
        "where": "url like 'http://k:s@b'",
        "n": {"u": "http://k:s@b/"},
    }
    assert manifest.redacted(config) == {
        "input": ["s3://b/x", "/a?b"],
        "where": "url like 'http://k:s@b'",
        "n": {"u": "http://b/"},
    }


def test_differences_are_dotted_keys_with_both_values() -> None:
    old, new = {"a": 1, "b": {"c": 2, "d": 3}, "e": 4}, {"a": 1, "b": {"c": 5, "d": 3}, "f": 6}
    assert manifest.difference(old, new) == ["b.c: 2 -> 5", "e: 4 -> None", "f: None -> 6"]
    assert manifest.difference(old, json.loads(json.dumps(old))) == []


def test_a_table_whose_files_were_lost_changed_or_joined_is_refused(tmp_path: Path) -> None:
    found = example(tmp_path)
    part = tmp_path / "pages" / "part-0.parquet"
    (tmp_path / "pages" / "_tmp-part-0.parquet.1-a").write_bytes(b"a killed attempt")
    assert manifest.require_whole(found, "pages") == found.tables["pages"]
    (tmp_path / "pages" / "part-1.parquet").write_bytes(b"")
    with pytest.raises(UserError, match=r"\(pages/part-1.parquet is missing, changed or a stranger\)"):
        manifest.require_whole(found, "pages")
    (tmp_path / "pages" / "part-1.parquet").unlink()
    for change in (lambda: part.write_bytes(b"1234"), part.unlink):
        change()
        with pytest.raises(UserError, match=r"\(pages/part-0.parquet is missing, changed or a stranger\)"):
            manifest.require_whole(found, "pages")
    with pytest.raises(UserError, match="has no table 'page': did you mean 'pages'"):
        manifest.require_whole(found, "page")


def test_the_run_that_came_last_owns_the_folder(tmp_path: Path) -> None:
    ours = claim.take(str(tmp_path))
    assert claim.take(str(tmp_path)) == ours
    claim.check(str(tmp_path), ours)
    (tmp_path / claim.CLAIM).write_text("another process")
    with pytest.raises(UserError, match="another run has taken over"):
        claim.check(str(tmp_path), ours)
    claim.release(str(tmp_path))
    assert storage.list_files(str(tmp_path)) == []
