"""The page in a real browser: its script runs under its own policy, nothing is refused, and it is whole without."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from corpus.engine.config import build
from corpus.report.config import ReportConfig
from corpus.report.run import run
from tests.report import synthetic

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr",
)  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = synthetic.make_workspace(tmp_path_factory.mktemp("browser") / "demo")
    run(build(ReportConfig, {"input": str(workspace)}))
    return workspace / "report" / "index.html"


def dump(page: Path, profile: Path, *flags: str) -> tuple[str, list[str]]:
    """The page as the browser holds it after loading, and what it wrote to the console."""
    command = [str(CHROMIUM), *QUIET, f"--user-data-dir={profile}", *flags, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_script_makes_tables_sortable_and_the_console_stays_empty(index: Path, tmp_path: Path) -> None:
    shown, console = dump(index, tmp_path)
    assert console == []
    assert shown.count('<button type="button">') > 40


def test_charts_are_drawn_without_scripts(index: Path, tmp_path: Path) -> None:
    frame, picture = tmp_path / "frame.html", tmp_path / "page.png"
    frame.write_text(f'<iframe sandbox src="{index.as_uri()}" style="width:1200px;height:3900px"></iframe>')
    size = ("--window-size=1280,4000", f"--screenshot={picture}", f"--user-data-dir={tmp_path / 'profile'}")
    subprocess.run(
        [str(CHROMIUM), *QUIET, *size, frame.as_uri()], capture_output=True, timeout=120, check=True
    )
    assert picture.stat().st_size > 200_000  # a blank page of this size takes a tenth of it
