"""The whole road as a newcomer meets it: one command on the embedded crawl, and on real pages."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.dataset as pads
import pytest

STAGES = ("seeds", "clean_seeds", "classifier", "pages", "unique", "clean", "matched", "shards")


def forge(repository: Path, *words: str, timeout: int = 1500) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "jobs/forge.py", *words]
    return subprocess.run(
        command, cwd=repository, capture_output=True, text=True, timeout=timeout, check=False
    )


def parquet_hashes(workspace: Path) -> dict[str, str]:
    return {
        str(path.relative_to(workspace)): hashlib.sha256(path.read_bytes()).hexdigest()
        for stage in STAGES
        for path in sorted((workspace / stage).rglob("*.parquet"))
    }


def test_demo_keeps_the_planted_pages_and_little_else(demo: tuple[Path, str]) -> None:
    from corpus.demo.road import replaced_by_url
    from corpus.demo.score import score
    from corpus.demo.truth import read_truth

    workspace, printed = demo
    ledger = pads.dataset(workspace / "pages" / "ledger").to_table(columns=["url", "outcome"]).to_pylist()
    survivors, matched = (
        pads.dataset(workspace / stage / "pages").to_table(columns=["url"])["url"].to_pylist()
        for stage in ("unique", "matched")
    )
    truth = read_truth(workspace / "embedded" / "crawl" / "truth.parquet")
    clean = replaced_by_url(str(workspace / "clean"))
    result = score({row["url"]: row["outcome"] for row in ledger}, survivors, truth, matched, clean)
    assert len(truth) >= 1200
    assert result.filter.recall > 0.85
    assert result.filter.precision > 0.85
    assert result.after_match.recall > 0.9 and result.after_match.precision > 0.93
    assert result.pairs > 40 and result.merged >= 0.95 * result.pairs
    assert not result.wrongly_removed
    hygiene = result.hygiene
    assert hygiene.items_removed == hygiene.items >= 6 and not hygiene.removed_wrongly
    assert hygiene.secrets_replaced == hygiene.secrets >= 3
    assert len(hygiene.replaced_wrongly) < 5  # authors whom the standard library's documentation names
    assert "recall" in printed


def test_every_stage_of_the_demo_verifies(demo: tuple[Path, str], repository: Path) -> None:
    folders = ",".join(str(demo[0] / stage) for stage in STAGES)
    command = [sys.executable, "jobs/verify.py", f"input={folders}"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def heldout_losses(workspace: Path, stage: str, source: str) -> list[float]:
    lines = (workspace / "training" / stage / "metrics.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, lines) if row["event"] == "eval" and row["source"] == source]
    return [row["loss"] for row in sorted(rows, key=lambda row: row["step"])]


def test_each_stage_lowers_the_heldout_loss_of_what_it_trains_on(demo: tuple[Path, str]) -> None:
    for source in ("agent", "code", "text"):
        losses = heldout_losses(demo[0], "stage1", source)
        assert losses[-1] < losses[0] - 1
    first, second = (heldout_losses(demo[0], stage, "seeds") for stage in ("stage1", "stage2"))
    assert second[0] == pytest.approx(first[-1], abs=1e-3)  # stage II begins where stage I ended
    assert second[-1] < second[0]
    assert (demo[0] / "training" / "stage2" / "export" / "config.json").exists()


def test_report_is_one_file_that_names_the_run(demo: tuple[Path, str]) -> None:
    page = (demo[0] / "report" / "index.html").read_text(encoding="utf-8")
    assert "<svg" in page and "stage1" in page
    assert 'src="http' not in page


def test_same_command_again_does_nothing_and_changes_nothing(
    demo: tuple[Path, str], repository: Path
) -> None:
    workspace = demo[0]
    kept = ("*.parquet", "model.bin", "metrics.jsonl", "*.safetensors", "index.html", "stats.json")
    before = {p: hashlib.sha256(p.read_bytes()).hexdigest() for name in kept for p in workspace.rglob(name)}
    done = forge(repository, f"output={workspace}", "master=local[2]")
    assert done.returncode == 0, done.stderr[-2000:]
    after = {p: hashlib.sha256(p.read_bytes()).hexdigest() for name in kept for p in workspace.rglob(name)}
    assert after == before


def kill_behind_the_first_archive(repository: Path, pages: Path, *words: str) -> None:
    """Start a command that filters into `pages`, and SIGKILL all of it as soon as one archive is committed."""
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=repository,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 600
    while not list(pages.glob("_inputs/*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert pages.exists() and not (pages / "_SUCCESS").exists()


def test_filter_killed_in_the_middle_and_run_again_gives_the_same_bytes(
    demo: tuple[Path, str], repository: Path, tmp_path: Path
) -> None:
    words = [
        "jobs/filter.py",
        f"input={demo[0] / 'embedded' / 'crawl'}",
        f"classifier={demo[0] / 'classifier'}",
        f"output={tmp_path / 'pages'}",
    ]
    kill_behind_the_first_archive(repository, tmp_path / "pages", *words, "master=local[1]")
    done = subprocess.run(
        [sys.executable, *words, "master=local[2]"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    of_the_demo = {p: h for p, h in parquet_hashes(demo[0]).items() if p.startswith("pages/")}
    assert of_the_demo and parquet_hashes(tmp_path) == of_the_demo


@pytest.mark.slow
def test_road_killed_in_the_middle_and_run_again_gives_the_same_bytes(
    demo: tuple[Path, str], repository: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "again"
    words = ["jobs/forge.py", f"output={workspace}", "master=local[1]", "skip=train,report"]
    kill_behind_the_first_archive(repository, workspace / "pages", *words)
    done = forge(repository, f"output={workspace}", "master=local[2]", "skip=train,report")
    assert done.returncode == 0, done.stderr[-4000:]
    assert parquet_hashes(workspace) == parquet_hashes(demo[0])


@pytest.mark.slow  # minutes on two cores
def test_real_pages_go_the_whole_road(repository: Path, shared_data: Path, tmp_path: Path) -> None:
    done = forge(
        repository,
        f"input={shared_data / 'web' / 'mini.warc.gz'}",
        f"seeds={shared_data / 'seeds' / 'seeds_flat.jsonl.gz'}",
        f"output={tmp_path / 'real'}",
        "code=embedded",
        "text=embedded",
        "master=local[2]",
        "set.train.tokens=65536",
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    sets = json.loads((tmp_path / "real" / "shards" / "manifest.json").read_text())["facts"]["sets"]
    shares = {name: source["share"] for name, source in sets["stage1"]["sources"].items()}
    assert shares == pytest.approx({"agent": 1 / 3, "code": 1 / 3, "text": 1 / 3}, abs=0.001)
    assert (tmp_path / "real" / "report" / "index.html").exists()
