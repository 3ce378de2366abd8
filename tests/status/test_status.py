"""jobs/status.py: what it says of a run equals what the run has committed, and the run does not notice."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.crawl.commits import Commit, Measured, commit_path, write_commit
from corpus.engine.claim import CLAIM
from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.engine.ledger import OUTCOMES
from corpus.engine.manifest import OutputFile
from corpus.engine.tables import LEDGER
from corpus.status.config import StatusConfig
from corpus.status.look import Looker
from corpus.status.parts import Part, Status
from corpus.status.run import Watcher
from corpus.status.web import page
from corpus.status.words import rate, span
from tests.report import synthetic
from tests.report.synthetic import SCRIPT

NOW = 1_800_000_000.0  # of the clock in these tests, and of the files' time stamps


def look(folder: Path, now: float = NOW, **values: Any) -> Status:
    return Looker(build(StatusConfig, {"input": str(folder), **values}), clock=lambda: now).look()


def part(status: Status, name: str) -> Part:
    return next(part for part in status.parts if part.name == name)


def at(path: Path, when: float) -> None:
    os.utime(path, (when, when))


def begin(folder: Path, when: float) -> None:
    """What a stage leaves when it takes its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CLAIM).write_text("token")
    at(folder / CLAIM, when)


def commit(folder: Path, name: str, when: float, size: int = 1000, failed: int = 1) -> Path:
    """An archive of `size` bytes: 10 kept, 5 dropped, `failed` failed; in the words of the filter itself."""
    counts = {"kept": 10, "dropped": 5, "failed": failed}
    file, measured = OutputFile("x", 0, 0, ""), Measured(1.0, 0.5, {}, [], 1, [1, 1])
    write_commit(
        str(folder), Commit("f", name, name, size, "", 40, 15 + failed, counts, [{}], file, file, measured)
    )
    path = Path(commit_path(str(folder), name))
    at(path, when)
    return path


def step(number: int, **more: Any) -> str:
    row = {"event": "step", "step": number, "tokens": number * 64, "loss": 5.0, "tokens_per_second": 32.0}
    return json.dumps({**row, **more}) + "\n"


def begin_training(folder: Path, steps: int = 100) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(f"tokens: {steps * 64}\nrows: 2\nlength: 32\n")
    at(folder / "config.yaml", NOW - 500)
    return folder / "metrics.jsonl"


def contents(folder: Path) -> Iterator[tuple[str, bytes, int]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes(), path.stat().st_mtime_ns


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.make_workspace(tmp_path_factory.mktemp("status") / "demo")


def test_a_finished_workspace_has_the_numbers_of_its_manifests(finished: Path) -> None:
    made = [path.parent.name for path in finished.glob("*/_SUCCESS")]
    runs = [f"training/{path.parent.name}" for path in finished.glob("training/*/metrics.jsonl")]
    status = look(finished, expect=[*made, *runs])
    assert (status.state, status.exit_code) == ("finished", 0)
    for name in made:
        counts = json.loads((finished / name / "manifest.json").read_bytes())["counts"]
        shown = part(status, name)
        assert shown.done == counts["records_in"] and shown.share == 1
        assert dict(shown.outcomes) == {outcome: counts[outcome] for outcome in OUTCOMES}
        assert sum(shown.failures.values()) == counts["failed"]


def test_a_filter_at_work_tells_its_archives_rate_and_time_left(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    begin(folder, NOW - 100)
    for number in range(4):
        commit(folder, f"a{number}.warc.gz", NOW - 90 + 10 * number, size=1000)
    (folder / "_inputs" / "plan.json").write_text('{"archives": 10, "bytes": 10000}')
    at(folder / "_inputs" / "plan.json", NOW - 100)
    shown = look(folder).parts[0]
    assert (shown.state, shown.done, shown.total, shown.unit) == ("running", 4, 10, "archives")
    assert (shown.rate, shown.left) == (4 / 100, 6000 / (4000 / 100))
    assert dict(shown.outcomes) == {"kept": 40, "dropped": 20, "failed": 4}
    assert "64 page records read" in " ".join(shown.notes)


def test_archives_of_an_earlier_run_count_as_done_and_not_for_the_rate(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    for number in range(5):
        commit(folder, f"old{number}", NOW - 9000)
    begin(folder, NOW - 50)
    commit(folder, "new", NOW - 10)
    shown = look(folder).parts[0]
    assert (shown.done, shown.rate, shown.left) == (6, 1 / 50, None)
    assert "5 archives were committed before this run began" in " ".join(shown.notes)
    assert "how many archives there are" in " ".join(shown.notes)


def test_half_written_files_are_passed_over_and_read_when_they_are_whole(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    begin(folder, NOW - 100)
    whole = commit(folder, "a", NOW - 20)
    torn = folder / "_inputs" / "0123456789abcdef.json"
    torn.write_bytes(whole.read_bytes()[:40])
    (folder / "_inputs" / "_tmp-b.json").write_bytes(whole.read_bytes())
    (folder / "ledger").mkdir()
    (folder / "ledger" / "part-0.parquet").write_bytes(b"PAR1half")
    looker = Looker(build(StatusConfig, {"input": str(folder)}), clock=lambda: NOW)
    assert looker.look().parts[0].done == 1
    torn.write_bytes(whole.read_bytes())
    assert looker.look().parts[0].done == 2


def test_a_stage_on_spark_tells_steps_rows_and_failures_by_reason(tmp_path: Path) -> None:
    synthetic.make_pages(tmp_path, 30)
    folder = tmp_path / "unique"
    begin(folder, NOW - 60)
    outcomes = [("kept", "")] * 7 + [("dropped", "near")] * 3 + [("failed", SCRIPT)] * 2
    rows = [{"id": f"{n:032x}", "outcome": o, "reason": r} for n, (o, r) in enumerate(outcomes)]
    synthetic.write_table(folder, "ledger", LEDGER.schema, rows)
    (folder / "_work" / "sketches").mkdir(parents=True)
    (folder / "_work" / "sketches" / "_SUCCESS").touch()
    for path in folder.rglob("*"):
        at(path, NOW - 30)
    begin(folder, NOW - 60)
    shown = part(look(tmp_path, expect=["pages", "unique"]), "unique")
    assert (shown.done, shown.total, shown.seconds) == (12, 30, 60)  # the filter kept 30
    assert dict(shown.failures) == {SCRIPT: 2}
    said = " ".join(shown.notes)
    assert "sketches" in said and "ledger 12" in said and "16.7 % of the records failed" in said


def test_training_is_read_on_from_where_the_last_look_ended(tmp_path: Path) -> None:
    log = begin_training(tmp_path / "stage1")
    log.write_text("".join(step(n) for n in range(1, 26)) + '{"event": "st')
    at(log, NOW - 5)
    looker = Looker(build(StatusConfig, {"input": str(tmp_path / "stage1")}), clock=lambda: NOW)
    shown = looker.look().parts[0]
    assert (shown.state, shown.done, shown.total, shown.unit) == ("running", 25 * 64, 6400, "tokens")
    assert (shown.rate, shown.left) == (32.0, 75 * 64 / 32)
    with open(log, "a") as stream:
        stream.write('ep", "step": 26, "tokens": 1664, "loss": 4.5}\n' + step(27, loss=4.0))
    at(log, NOW - 1)
    shown = looker.look().parts[0]
    assert shown.done == 27 * 64 and "loss 4.000" in " ".join(shown.notes)
    log.write_text(step(1))  # cut at a checkpoint, as a resumed run does
    at(log, NOW - 1)
    assert looker.look().parts[0].done == 64


def test_training_is_finished_with_its_export_and_tells_a_loss_that_is_no_number(tmp_path: Path) -> None:
    log = begin_training(tmp_path / "run")
    log.write_text(
        '{"event": "start", "step": 0, "resumed": false}\n'
        + step(1)
        + step(2, loss=float("nan"), skipped=True)
        + '{"event": "spike", "step": 2}\n'
    )
    at(log, NOW - 5)
    shown = look(tmp_path / "run").parts[0]
    assert shown.state == "running" and shown.failures and "no finite number" in " ".join(shown.notes)
    assert dict(shown.failures) == {"loss that is no finite number": 1, "skipped updates": 1, "spike": 1}
    assert look(tmp_path / "run", now=NOW + 9999).exit_code == 3
    (tmp_path / "run" / "export").mkdir()
    (tmp_path / "run" / "export" / "training_history.json").write_text("{}")
    assert look(tmp_path / "run").exit_code == 0


def test_what_no_longer_changes_has_stopped(tmp_path: Path) -> None:
    begin(tmp_path / "pages", NOW - 5000)
    commit(tmp_path / "pages", "a", NOW - 4000)
    status = look(tmp_path, expect=["pages"])
    assert (status.state, status.exit_code, part(status, "pages").state) == ("failed", 3, "stalled")
    assert part(status, "pages").seconds == 1000  # to the last sign of life
    assert look(tmp_path, expect=["pages"], stale=6000).exit_code == 4


def test_between_two_stages_the_road_is_at_work_and_later_it_has_stopped(tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path)
    for path in tmp_path.rglob("*"):
        at(path, NOW - 10)
    status = look(tmp_path)
    assert (status.exit_code, part(status, "clean_seeds").state) == (4, "waiting")
    assert "clean_seeds" in status.sentence
    assert look(tmp_path, now=NOW + 9000).exit_code == 3
    assert look(tmp_path, now=NOW + 9000, expect=["seeds"]).exit_code == 0


def test_a_damaged_manifest_is_a_failure_and_folders_beside_the_road_are_shown(tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path)
    begin(tmp_path / "harvested", NOW - 5)
    assert part(look(tmp_path), "harvested").state == "running"
    (tmp_path / "seeds" / "manifest.json").write_text("{")
    status = look(tmp_path, expect=["seeds"])
    assert part(status, "seeds").state == "failed" and "damaged" in part(status, "seeds").notes[0]
    assert status.exit_code == 3


def test_looking_changes_nothing(finished: Path, tmp_path: Path) -> None:
    begin(tmp_path / "pages", NOW - 5)
    commit(tmp_path / "pages", "a", NOW - 4)
    for folder in (finished, tmp_path):
        before = list(contents(folder))
        look(folder)
        assert list(contents(folder)) == before


def test_text_from_the_data_stays_text_on_the_page_and_on_the_terminal(tmp_path: Path) -> None:
    hostile = f"{SCRIPT}\x1b[2J\u202e"
    begin(tmp_path, NOW - 5)
    rows = [{"id": "0", "outcome": "failed", "reason": hostile}]
    synthetic.write_table(tmp_path, "ledger", LEDGER.schema, rows, parts=1)
    at(tmp_path / CLAIM, NOW - 5)
    status = look(tmp_path)
    html = page(status, 7)
    assert "<script" not in html and "&lt;script&gt;" in html and "\u202e" not in html
    assert '<meta http-equiv="refresh" content="7">' in html and "default-src 'none'" in html
    for terminal in (False, True):
        shown = printed(tmp_path, terminal)
        assert "\x1b[2J" not in shown and "\u202e" not in shown and "alert" in shown


def printed(folder: Path, terminal: bool) -> str:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    stream = Stream()
    Watcher(stream).run(build(StatusConfig, {"input": str(folder)}))
    return stream.getvalue()


def test_watching_ends_with_the_work_and_writes_the_page_each_time(tmp_path: Path) -> None:
    folder, shown = tmp_path / "run", tmp_path / "out" / "status.html"
    log = begin_training(folder)
    log.write_text(step(1))
    pages: list[str] = []

    def work_on(seconds: float) -> None:
        pages.append(shown.read_text())
        (folder / "export").mkdir(exist_ok=True)
        if len(pages) == 2:
            (folder / "export" / "training_history.json").write_text("{}")

    stream = io.StringIO()
    watcher = Watcher(stream, sleep=work_on)
    watcher.run(build(StatusConfig, {"input": str(folder), "watch": 3, "html": str(shown)}))
    assert watcher.exit_code == 0 and len(pages) == 2
    assert all('content="3"' in text for text in pages) and 'http-equiv="refresh"' not in shown.read_text()
    assert stream.getvalue().count("run at ") == 3 and "\x1b" not in stream.getvalue()


def test_the_command_answers_with_its_exit_code(repository: Path, finished: Path, tmp_path: Path) -> None:
    def code(*words: str) -> int:
        command = [sys.executable, "jobs/status.py", *words]
        return subprocess.run(
            command, cwd=repository, capture_output=True, timeout=60, check=False
        ).returncode

    begin(tmp_path / "pages", NOW - 5)
    assert code(f"input={finished / 'seeds'}") == 0
    assert code(f"input={tmp_path}", "stale=1e12") == 4
    assert code(f"input={tmp_path / 'absent'}") == 2


def test_a_folder_in_which_nothing_began_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no stage"):
        look(tmp_path)


def test_numbers_are_said_in_units_that_fit() -> None:
    assert rate(0.02, "archives") == "1.2 archives/min" and rate(5000, "tokens") == "5,000 tokens/s"
    assert [span(s) for s in (None, 59, 600, 7500, 200000)] == ["", "59 s", "10 min", "2 h 05 min", "2 d 7 h"]
