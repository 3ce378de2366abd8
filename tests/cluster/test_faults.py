"""Faults that are done to a real cluster while a job runs on it: each ends in the rows of an undisturbed run.

The undisturbed run is one on threads of one process, so that a cluster's own differences would show as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.dataset as pads
import pytest

from tests.cluster.conftest import Road, hashes
from tests.cluster.machines import EXECUTOR, PARSER, Cluster, Done, kill_all, until, wait

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.spark]


@pytest.fixture
def two_workers(machines: Cluster) -> Iterator[Cluster]:
    yield machines
    for name in ("worker0", "worker1"):
        if name not in machines.processes:
            machines.add_worker(name)


def filter_words(road: Road, output: Path, crawl: Path | None = None) -> tuple[str, ...]:
    return (f"input={crawl or road.crawl}", f"classifier={road.classifier}", f"output={output}")


def is_under_way(output: Path) -> bool:
    """Whether some archives are committed and the stage is not at its end."""
    return len(list(output.glob("pages/*.parquet"))) >= 2


def disturbed(
    machines: Cluster, words: tuple[str, ...], output: Path, act: Callable[[], object], *conf: str
) -> Done:
    """Run the filter and do something to it once it is under way."""
    process = machines.submit("filter.py", *words, conf=conf)
    until(lambda: is_under_way(output) or process.poll() is not None, "the first archives")
    assert process.poll() is None, process.communicate()[0][-3000:]
    act()
    return wait(process)


def test_an_executor_that_is_killed_costs_no_row(two_workers: Cluster, road: Road, tmp_path: Path) -> None:
    output = tmp_path / "pages"

    def kill() -> None:
        os.kill(two_workers.pids(EXECUTOR)[0], signal.SIGKILL)

    done = disturbed(two_workers, filter_words(road, output), output, kill)
    assert done.code == 0, done.said
    assert hashes(output) == hashes(road.pages)


def test_a_worker_that_is_lost_and_replaced_costs_no_row(
    two_workers: Cluster, road: Road, tmp_path: Path
) -> None:
    output = tmp_path / "pages"

    def replace() -> None:
        two_workers.kill("worker1")
        two_workers.add_worker("worker1")

    done = disturbed(two_workers, filter_words(road, output), output, replace)
    assert done.code == 0, done.said
    assert hashes(output) == hashes(road.pages)


def test_a_driver_that_is_killed_goes_on_with_the_same_command(
    two_workers: Cluster, road: Road, tmp_path: Path
) -> None:
    output = tmp_path / "pages"
    process = two_workers.submit("filter.py", *filter_words(road, output))
    until(lambda: is_under_way(output), "the first archives")
    kill_all(process)
    process.communicate()
    until(lambda: not two_workers.pids(EXECUTOR), "the executors to see that their driver has gone")
    before = {path: path.stat().st_mtime_ns for path in output.glob("pages/*.parquet")}
    assert not (output / "_SUCCESS").exists() and before
    done = two_workers.run("filter.py", *filter_words(road, output))
    assert done.code == 0, done.said
    assert hashes(output) == hashes(road.pages)
    kept = [path for path, written in before.items() if path.exists() and path.stat().st_mtime_ns == written]
    assert kept, "what was finished before the kill was done again"


def test_a_page_that_ends_its_parser_costs_at_most_itself(
    two_workers: Cluster, road: Road, tmp_path: Path
) -> None:
    output = tmp_path / "pages"

    def crash() -> None:
        until(lambda: two_workers.pids(PARSER), "a parser")
        for pid in two_workers.pids(PARSER):
            os.kill(pid, signal.SIGSEGV)

    done = disturbed(two_workers, filter_words(road, output), output, crash)
    assert done.code == 0, done.said
    ours, theirs = (rows(folder / "ledger") for folder in (output, road.pages))
    differ = {key for key in theirs if ours[key] != theirs[key]}
    assert ours.keys() == theirs.keys() and len(differ) <= 2  # two workers, a parser each
    assert all(ours[key] == ("failed", "crash") for key in differ)


def test_a_slow_machine_with_speculation_on_doubles_no_row(
    two_workers: Cluster, road: Road, tmp_path: Path
) -> None:
    output = tmp_path / "pages"
    conf = ("spark.speculation=true", "spark.speculation.interval=200ms", "spark.speculation.quantile=0.1")
    conf += ("spark.speculation.multiplier=1.1", "spark.speculation.minTaskRuntime=100ms")

    def stall() -> None:
        slow = two_workers.pids(EXECUTOR)[0]
        below = [pid for pid in two_workers.pids(PARSER) if pid > slow][:1]
        for pid in below:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(8)
        for pid in below:
            os.kill(pid, signal.SIGCONT)

    done = disturbed(two_workers, filter_words(road, output), output, stall, *conf)
    assert done.code == 0, done.said
    assert hashes(output) == hashes(road.pages)


@pytest.mark.parametrize("change", ["disappears", "changes"])
def test_an_input_that_is_not_what_it_was_is_named_and_later_taken_up(
    two_workers: Cluster, road: Road, tmp_path: Path, change: str
) -> None:
    crawl, output = tmp_path / "crawl", tmp_path / "pages"
    crawl.mkdir()
    for archive in road.crawl.glob("*.warc.gz"):
        os.link(archive, crawl / archive.name)
    # archives are begun by size: the smallest comes last, long after the first are done
    victim = min(crawl.glob("*.warc.gz"), key=lambda path: (path.stat().st_size, path.name))

    def harm() -> None:
        whole = victim.read_bytes()
        victim.unlink()
        if change == "changes":
            victim.write_bytes(whole[: len(whole) // 2])

    words = (*filter_words(road, output, crawl), "max_failed_fraction=0.05")
    done = disturbed(two_workers, words, output, harm)
    assert done.code == 3 and victim.name in done.said, done.said
    victim.unlink(missing_ok=True)
    os.link(road.crawl / victim.name, victim)
    again = two_workers.run("filter.py", *words)
    assert again.code == 0, again.said
    assert hashes(output) == hashes(road.pages)


def test_a_disk_that_fills_stops_the_job_and_the_same_command_goes_on(
    two_workers: Cluster, road: Road, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        output = disk / "pages"
        done = two_workers.run("filter.py", *filter_words(road, output))
        assert done.code not in (0, 2) and "No space left" in done.said, done.said
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        again = two_workers.run("filter.py", *filter_words(road, output))
        assert again.code == 0, again.said
        assert hashes(output) == hashes(road.pages)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_shuffle_files_that_are_lost_are_made_again(two_workers: Cluster, road: Road, tmp_path: Path) -> None:
    words = (f"input={road.pages}", "master=local[2]")
    command = [sys.executable, "jobs/dedup.py", *words, f"output={tmp_path / 'threads'}"]
    subprocess.run(command, cwd=Path(__file__).resolve().parents[2], check=True, capture_output=True)
    process = two_workers.submit("dedup.py", words[0], f"output={tmp_path / 'cluster'}")

    def shuffled() -> list[Path]:
        return list(two_workers.folder.glob("worker*-space/**/shuffle_*.data"))

    until(lambda: len(shuffled()) >= 4 or process.poll() is not None, "a shuffle")
    assert process.poll() is None
    for path in shuffled():
        path.unlink(missing_ok=True)
    done = wait(process)
    assert done.code == 0, done.said
    assert hashes(tmp_path / "cluster") == hashes(tmp_path / "threads")


def rows(folder: Path) -> dict[tuple[str, str, int], tuple[str, str]]:
    """(archive, id, offset) -> (outcome, reason)."""
    table = pads.dataset(folder).to_table(columns=["warc", "id", "offset", "outcome", "reason"])
    return {
        (row["warc"], row["id"], row["offset"]): (row["outcome"], row["reason"]) for row in table.to_pylist()
    }
