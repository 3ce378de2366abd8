"""The stage on real Spark, with a real (small) classifier."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpus.crawl.archive import COMMITS, key_of
from corpus.crawl.config import FilterConfig
from corpus.engine import manifest
from corpus.engine.config import build, load_yaml
from corpus.engine.errors import UserError
from corpus.engine.tables import FILES, LEDGER, PAGES
from tests.crawl.archives import html, write

pytestmark = pytest.mark.spark
TABLES = (PAGES, LEDGER, FILES)


def pages(first: int, last: int) -> list[tuple[str, bytes]]:
    """Two pages in three speak of the wanted kind."""
    return [
        (f"http://site{n % 7}.org/{n}", html(80 + n, f"api{n}call" if n % 3 else f"news{n}day"))
        for n in range(first, last)
    ]


@pytest.fixture
def config(tmp_path: Path, classifier: str) -> Callable[..., FilterConfig]:
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    for n in range(3):
        write(crawl / f"{n}.warc.gz", pages(20 * n, 20 * n + 20))
    (crawl / "empty.warc.gz").write_bytes(b"")

    def make(output: str = "out", **more: object) -> FilterConfig:
        settings = {
            "input": [str(crawl)],
            "classifier": classifier,
            "output": str(tmp_path / output),
            "threshold": 0.5,
        }
        return build(FilterConfig, {**settings, **more})

    return make


def run(config: FilterConfig) -> manifest.Manifest:
    from corpus.crawl.stage import run as run_stage

    return run_stage(config)


def content(folder: str | Path) -> dict[str, bytes]:
    """The files of a stage, but for the manifest, which tells the time that the run took."""
    root = Path(folder)
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in root.rglob("*")
        if p.is_file() and p.name != "manifest.json"
    }


def rows(folder: str | Path, table: str, *without: str) -> list[dict]:
    found = pq.read_table(Path(folder) / table).to_pylist()
    return sorted(({k: v for k, v in row.items() if k not in without} for row in found), key=str)


def test_the_stage_accounts_for_every_response(spark, config) -> None:
    result = run(config())
    counts = result.counts
    assert counts["records_in"] == counts["kept"] + counts["dropped"] + counts["failed"] == 60
    assert 30 <= counts["kept"] <= 50
    for table in TABLES:
        assert pq.read_table(Path(result.folder) / table.name).schema.equals(table.schema)
    files = rows(result.folder, "files")
    assert [f["responses"] for f in files] == [20, 20, 20, 0]
    assert all(f["responses"] == f["kept"] + f["dropped"] + f["failed"] and not f["damaged"] for f in files)
    assert {row["id"] for row in rows(result.folder, "pages")} <= {
        row["id"] for row in rows(result.folder, "ledger")
    }
    assert not (Path(result.folder) / COMMITS).exists()
    assert result.facts["files_damaged"] == 0 and result.facts["pages_per_second"] > 0


def test_equal_inputs_give_equal_bytes(spark, config) -> None:
    assert content(run(config("one")).folder) == content(run(config("two")).folder)


def test_the_same_command_again_does_nothing(spark, config) -> None:
    first = run(config())
    before = {p: p.stat().st_mtime_ns for p in Path(first.folder).rglob("*")}
    assert run(config()).fingerprint == first.fingerprint
    assert {p: p.stat().st_mtime_ns for p in Path(first.folder).rglob("*")} == before


def test_a_changed_setting_does_not_reuse_a_finished_folder(spark, config) -> None:
    run(config())
    with pytest.raises(UserError, match="min_words"):
        run(config(min_words=90))


def test_the_split_into_archives_changes_no_page(spark, config, tmp_path: Path) -> None:
    three = run(config("three"))
    write(tmp_path / "one.warc.gz", pages(0, 60))
    one = run(config("one", input=[str(tmp_path / "one.warc.gz")]))
    place = ("warc", "offset", "length")
    for table in ("pages", "ledger"):
        assert rows(one.folder, table, *place) == rows(three.folder, table, *place)


def test_a_run_goes_on_behind_the_archives_that_are_done(spark, config, tmp_path: Path, monkeypatch) -> None:
    import corpus.crawl.stage as stage

    whole = content(run(config("whole")).folder)
    publish = stage._publish

    def killed(*_: object) -> manifest.Manifest:
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "_publish", killed)
    with pytest.raises(KeyboardInterrupt):
        run(config())
    monkeypatch.setattr(stage, "_publish", publish)
    folder, lost = tmp_path / "out", str(tmp_path / "crawl" / "1.warc.gz")
    (folder / COMMITS / f"{key_of(lost)}.json").unlink()
    (folder / "pages" / f"_tmp-part-{key_of(lost)}.parquet.1-ab").write_bytes(b"half")
    done = [p for p in (folder / "pages").iterdir() if key_of(lost) not in p.name]
    before = {p: p.stat().st_mtime_ns for p in done}
    run(config())
    assert {p: p.stat().st_mtime_ns for p in done} == before
    assert content(folder) == whole


def test_an_unfinished_run_of_another_setting_is_not_reused(spark, config, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / COMMITS).mkdir(parents=True)
    run(config("other"))
    old = {"fingerprint": "of another setting", "path": str(tmp_path / "crawl" / "0.warc.gz")}
    (folder / COMMITS / f"{key_of(old['path'])}.json").write_text(json.dumps(old))
    run(config())
    assert content(folder) == content(tmp_path / "other")


def test_a_folder_of_something_else_is_left_alone(spark, config, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"thesis\.txt"):
        run(config())
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


@pytest.mark.slow
def test_kill_in_the_middle_then_the_same_command_gives_the_same_bytes(
    config, tmp_path: Path, repository: Path
) -> None:
    settings = config("killed")
    words = [
        "master=local[1]",
        f"input={settings.input[0]}",
        f"classifier={settings.classifier}",
        "threshold=0.5",
    ]
    command = [sys.executable, str(repository / "jobs" / "filter.py"), *words]
    job = subprocess.Popen([*command, f"output={settings.output}"], cwd=repository, start_new_session=True)
    commits = Path(settings.output) / COMMITS
    while job.poll() is None and not (commits.exists() and any(commits.glob("*.json"))):
        time.sleep(0.02)
    assert job.poll() is None, "the job ended before it could be killed"
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    for folder in ("killed", "whole"):
        subprocess.run([*command, f"output={tmp_path / folder}"], cwd=repository, check=True, timeout=240)
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


def test_the_yaml_of_the_job_holds_the_defaults(repository: Path, tmp_path: Path) -> None:
    required = {"input": "a.warc.gz", "classifier": "c", "output": "o"}
    given = build(FilterConfig, {**load_yaml(str(repository / "conf" / "filter.yaml")), **required})
    assert given == build(FilterConfig, required)
    assert replace(given, min_words=1) != given
