"""The stage on real Spark, with a real (small) classifier."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpus.crawl.archive import filter_archive
from corpus.crawl.commits import COMMITS, Commit, Failure, key_of
from corpus.crawl.config import FilterConfig
from corpus.crawl.inputs.sources import find_archives
from corpus.crawl.stage import filter_all, identities_of, make_work, run
from corpus.crawl.summary import command_for, raise_faults, report, sentence_of
from corpus.engine import claim, manifest
from corpus.engine.config import build, load_yaml
from corpus.engine.errors import DataError, UserError
from corpus.engine.tables import FILES, LEDGER, PAGES
from corpus.hygiene.quality import Limits
from tests.crawl.archives import html, write
from tests.crawl.server import Store, serve

pytestmark = pytest.mark.spark
TABLES = (PAGES, LEDGER, FILES)
POISONED = "tests.crawl.children:poisoned"


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
            "quality": {limit.name: None for limit in fields(Limits)},
        }
        return build(FilterConfig, {**settings, **more})

    return make


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


def commit_some(config: FilterConfig, *numbers: int) -> list[Commit]:
    """What a run with this config that was killed between archives leaves: these archives, committed."""
    claim.take(config.output)
    work = make_work(config, identities_of(config), config.output)
    archives = find_archives(config.input, config.base)
    return [filter_archive(archives[n], work) for n in numbers]


def test_a_run_goes_on_behind_the_archives_that_are_done(spark, config, tmp_path: Path) -> None:
    whole = content(run(config("whole")).folder)
    done = commit_some(config(), 0, 2)
    folder = tmp_path / "out"
    (folder / "pages" / f"_tmp-part-{key_of('1.warc.gz')}.parquet.1-ab").write_bytes(b"half")
    before = {folder / c.pages.path: (folder / c.pages.path).stat().st_mtime_ns for c in done}
    run(config())
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert content(folder) == whole


def test_an_unfinished_run_of_another_setting_is_not_reused(spark, config, tmp_path: Path) -> None:
    run(config("other"))
    commit_some(config(min_words=90), 0, 1, 2, 3)
    run(config())
    assert content(tmp_path / "out") == content(tmp_path / "other")


def test_what_a_kill_behind_success_left_is_cleared_by_the_same_command(
    spark, config, tmp_path: Path
) -> None:
    whole = content(run(config()).folder)
    left = tmp_path / "out" / COMMITS / "0123456789abcdef.json"
    left.parent.mkdir()
    left.write_text("{}")
    run(config())
    assert not left.parent.exists() and content(tmp_path / "out") == whole


def test_archives_that_cannot_be_fetched_are_named_and_cost_no_other(spark, config, tmp_path: Path) -> None:
    crawl = tmp_path / "crawl"
    files = {f"/{n}.warc.gz": (crawl / f"{n}.warc.gz").read_bytes() for n in range(3)}
    with serve(Store(files)) as store:
        listed = tmp_path / "crawl.paths"
        listed.write_text("\n".join(name.lstrip("/") for name in files))
        settings = config(input=[str(listed)], base=store.address)
        lost = files.pop("/1.warc.gz")
        with pytest.raises(DataError) as caught:
            run(settings)
        assert str(caught.value).startswith("1 of 3 archives could not be read: cannot read http://127.0.0.1")
        assert "/1.warc.gz: 404 " in str(caught.value) and "the same command" in str(caught.value)
        store.files["/1.warc.gz"] = lost
        store.asked.clear()
        run(settings)
        assert len(store.asked) == 1
    local = run(config("local", input=[str(crawl / f"{n}.warc.gz") for n in range(3)]))
    for table in ("pages", "ledger"):
        assert rows(tmp_path / "out", table) == rows(local.folder, table)


def words_of(report: str, headline: str) -> dict[str, str]:
    """The keys of the command that stands below a headline of the report."""
    lines = report.splitlines()
    program, job, *words = shlex.split(lines[lines.index(headline) + 1])
    assert (program, job) == ("python", "jobs/filter.py")
    return dict(word.split("=", 1) for word in words)


def test_failed_archives_below_the_limit_are_tolerated_and_told_with_the_command_for_them(
    spark, config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crawl = tmp_path / "crawl"
    files = {f"/{n}.warc.gz": (crawl / f"{n}.warc.gz").read_bytes() for n in range(3) if n != 1}
    with serve(Store(files)) as store:
        listed = tmp_path / "crawl.paths"
        listed.write_text("0.warc.gz\n1.warc.gz\n2.warc.gz\n")
        done = run(config(input=[str(listed)], base=store.address, max_failed_fraction=0.5))
        lost = f"{store.address.rstrip('/')}/1.warc.gz"
    assert done.counts["records_in"] == 40
    problems = {row["path"]: row["problem"] for row in rows(done.folder, "files")}
    assert [name for name, problem in problems.items() if problem] == ["1.warc.gz"]
    assert done.facts["files_failed"] == [{"path": lost, "problem": problems["1.warc.gz"]}]
    again = words_of(capsys.readouterr().err, "just these again:")
    assert again["input"] == lost and again["output"] == str(tmp_path / "out-retry")


def test_an_archive_that_ends_its_worker_fails_alone(spark, config, tmp_path: Path) -> None:
    write(tmp_path / "crawl" / "1.warc.gz", [("http://site.org/poison", html(200, "poison"))])
    settings = config()
    claim.take(settings.output)
    work = replace(make_work(settings, identities_of(settings), settings.output), lines=POISONED)
    results = filter_all(spark, find_archives(settings.input), work)
    failed = [result for result in results if isinstance(result, Failure)]
    assert [failure.name for failure in failed] == ["1.warc.gz"] and len(results) == 4
    assert "may have run out of memory" in failed[0].sentence


def test_a_fault_that_is_no_archives_own_is_never_tolerated(spark, config, tmp_path: Path) -> None:
    settings = config(max_failed_fraction=0.9)
    claim.take(settings.output)
    in_the_way = Path(settings.output) / PAGES.name / f"part-{key_of('1.warc.gz')}.parquet" / "full"
    in_the_way.mkdir(parents=True)  # a folder stands where the file is to go
    work = make_work(settings, identities_of(settings), settings.output)
    results = filter_all(spark, find_archives(settings.input), work)
    failed = [result for result in results if isinstance(result, Failure)]
    assert [failure.name for failure in failed] == ["1.warc.gz"] and len(results) == 4
    with pytest.raises(
        RuntimeError, match=r"(?s)1 archives ended on a fault.*Traceback.*The others are done"
    ):
        raise_faults(failed, settings)


def test_the_slowest_archive_is_told_with_the_command_for_it(spark, config, tmp_path: Path) -> None:
    commits = commit_some(config(), 0, 1, 2)
    commits = [
        replace(commit, measured=replace(commit.measured, seconds=seconds))
        for commit, seconds in zip(commits, (1.0, 9.0, 1.5))
    ]
    said = report(commits, [], config())
    assert words_of(said, "the slowest archive alone:")["input"] == str(tmp_path / "crawl" / "1.warc.gz")
    even = [replace(c, measured=replace(c.measured, seconds=2.0)) for c in commits]
    assert "alone" not in report(even, [], config())


def test_pieces_of_an_index_that_failed_are_chosen_again_by_their_rows(config) -> None:
    settings = config(input=[], index=["i.parquet"], where="fetch_status = 200")
    failures = [Failure(f"index {n}", f"{n}.warc.gz", 1, "gone.", f"warc_filename = '{n}'") for n in (1, 0)]
    again = words_of(report([], failures, settings), "just these again:")
    assert again["where"] == "(fetch_status = 200) AND (warc_filename = '0' OR warc_filename = '1')"
    assert again["index"] == "i.parquet" and "input" not in again


def test_a_calibration_for_a_higher_threshold_is_refused(spark, config, tmp_path: Path) -> None:
    said = tmp_path / "calibration.json"
    said.write_text('{"threshold": 0.7, "light_threshold": 0.1, "prefilter_threshold": 0.1}')
    with pytest.raises(UserError, match=r"threshold 0\.7"):
        run(config(calibration=str(said)))
    settings = config(calibration=str(said), threshold=0.7)
    assert make_work(settings, identities_of(settings), "out").rules.light == 0.1


def test_a_sentence_names_the_first_archives_and_counts_the_others() -> None:
    names = [f"{n}.warc.gz" for n in (3, 1, 2, 0)]
    failures = [Failure(name, name, 10, f"cannot read {name}: gone.") for name in names]
    assert sentence_of(failures, 9) == (
        "4 of 9 archives could not be read: cannot read 0.warc.gz: gone; cannot read 1.warc.gz: gone; cannot "
        "read 2.warc.gz: gone; and 1 more."
    )


def test_a_folder_of_something_else_is_left_alone(spark, config, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"thesis\.txt"):
        run(config())
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_kill_in_the_middle_then_the_same_command_gives_the_same_bytes(
    spark, config, tmp_path: Path, repository: Path
) -> None:
    settings = config("killed")
    command = [sys.executable, *shlex.split(command_for(settings))[1:]]
    job = subprocess.Popen([*command, "master=local[1]"], cwd=repository, start_new_session=True)
    commits = Path(settings.output) / COMMITS
    while job.poll() is None and not (commits.exists() and any(commits.glob("[!_]*.json"))):
        time.sleep(0.02)
    assert job.poll() is None, "the job ended before it could be killed"
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    assert not manifest.is_finished(settings.output)
    assert content(run(settings).folder) == content(run(config("whole")).folder)


def test_the_yaml_of_the_job_holds_the_defaults(repository: Path, tmp_path: Path) -> None:
    required = {"input": "a.warc.gz", "classifier": "c", "output": "o"}
    given = build(FilterConfig, {**load_yaml(str(repository / "conf" / "filter.yaml")), **required})
    assert given == build(FilterConfig, required)
    assert replace(given, min_words=1) != given
