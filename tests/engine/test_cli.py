"""The command line contract: flags, exit codes, one sentence for people, a traceback only for our own faults."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.engine.cli import run_job
from corpus.engine.config import describe_keys
from corpus.engine.ledger import ConservationError
from tests.engine import jobs_for_tests
from tests.engine.jobs_for_tests import SmallConfig, run


def ended(*argv: str) -> int:
    return run_job(SmallConfig, run, description="A small job.", argv=argv)


def test_success_prints_the_result_and_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("output=o", "count=4") == 0
    assert capsys.readouterr().out == "done 4\n"


@pytest.mark.parametrize(
    ("argv", "code", "sentence"),
    [
        (
            ["output=o", "cuont=4"],
            2,
            "error: unknown key 'cuont' in the command line: did you mean 'count'?\n",
        ),
        (["output=o", "count=99"], 2, "error: 99 is not to be had.\n"),
        (["output=o", "--dryrun"], 2, "error: unknown flag '--dryrun': did you mean '--dry-run'?\n"),
        (["output=o", "--config"], 2, "error: --config needs a value.\n"),
        (["output=o", "mode=fail"], 3, "error: nothing was kept of 3 records.\n"),
    ],
)
def test_errors_of_users_and_data_are_one_sentence(
    argv: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*argv) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", sentence)


def test_a_fault_of_ours_keeps_its_traceback_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("output=o", "mode=crash") == 1
    assert "ZeroDivisionError: a bug" in capsys.readouterr().err


def test_counts_that_do_not_add_up_are_a_fault_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(config: SmallConfig) -> None:
        raise ConservationError("3 came in, 2 went out.")

    assert run_job(SmallConfig, broken, description="", argv=["output=o"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_ends_with_130_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(config: SmallConfig) -> None:
        raise KeyboardInterrupt

    assert run_job(SmallConfig, stopped, description="", argv=["output=o"]) == 130
    assert "the same command continues" in capsys.readouterr().err


def test_a_wrong_key_in_the_file_is_blamed_on_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yaml").write_text("cuont: 3\n")
    assert ended("output=o", "--config", str(tmp_path / "c.yaml")) == 2
    assert f"in {tmp_path / 'c.yaml'} or the command line" in capsys.readouterr().err


@pytest.mark.parametrize("style", ["apart", "joined"])
def test_the_command_line_wins_over_the_file(
    tmp_path: Path, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("output: o\ncount: 5\n")
    flag = ["--config", str(file)] if style == "apart" else [f"--config={file}"]
    assert ended(*flag) == 0
    assert ended(*flag, "count=6") == 0
    assert capsys.readouterr().out == "done 5\ndone 6\n"


def test_help_lists_every_key_and_needs_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--help") == 0
    out = capsys.readouterr().out
    for key, kind, _ in describe_keys(SmallConfig):
        assert f"  {key}   [{kind}]" in out
    assert "A small job." in out
    assert "--from" in out


def test_a_flag_of_a_field_is_a_second_name_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("output=o", "--from", "dedup", "--print-config") == 0
    assert "\nbegin: dedup\n" in capsys.readouterr().out


def test_print_config_runs_nothing_and_reads_back_as_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["output=o", "mode=crash", "input.a=p,q", "input.a.weight=2", 'words=["x,y", z]']
    assert ended(*words, "--print-config") == 0
    printed = capsys.readouterr().out
    (tmp_path / "c.yaml").write_text(printed)
    assert ended("--config", str(tmp_path / "c.yaml"), "--print-config") == 0
    assert capsys.readouterr().out == printed


def test_dry_run_prints_the_plan_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["output=o", "mode=crash", "--dry-run"]
    assert run_job(SmallConfig, run, description="", plan=lambda c: f"would {c.mode}", argv=argv) == 0
    assert capsys.readouterr().out == "would crash\n"


def test_plan_prints_the_forecast_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["output=o", "mode=crash", "--plan"]
    assert run_job(SmallConfig, run, description="", forecast=lambda c: f"{c.mode} costs", argv=argv) == 0
    assert capsys.readouterr().out == "crash costs\n"


def test_a_job_without_a_forecast_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("output=o", "--plan") == 2
    assert capsys.readouterr().err.startswith("error: this job has no --plan; --dry-run says")
    assert ended("--help") == 0
    assert "--plan" not in capsys.readouterr().out
    run_job(SmallConfig, run, description="", forecast=lambda c: "", argv=["--help"])
    assert "[--dry-run | --plan | " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "code"), [("count=4", 0), ("mode=crash", 1), ("count=0", 2), ("mode=fail", 3)]
)
def test_a_real_process_ends_with_the_promised_code(repository: Path, word: str, code: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    command = [sys.executable, str(jobs_for_tests.__file__), "output=o", word]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert ended.returncode == code
    assert ("Traceback" in ended.stderr) == (code == 1)
    assert ended.stderr.count("\n") == (1 if code in (2, 3) else 0) or code == 1
