"""A host sees few connections from a machine, however many processes ask, and a killed one gives its own back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from corpus.engine import slots

HOLD = """
import sys, time
from corpus.engine.slots import slot
with slot(sys.argv[1], 1):
    print("held", flush=True)
    time.sleep(600)
"""


def places(host: str, connections: int) -> list[str]:
    """The names that `slot` asks for, as it asks for them."""
    seen: list[str] = []
    taken = slots._take
    try:
        slots._take = lambda names: seen.extend(names) or taken(names)  # type: ignore[func-returns-value]
        with slots.slot(host, connections):
            pass
    finally:
        slots._take = taken
    return seen


def test_slots_are_counted_over_processes_and_freed_by_a_kill(repository: Path) -> None:
    host = "counted.example"
    names = places(host, 1)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, host], cwd=repository, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        assert slots._take(names) is None
        with slots.slot("another.example", 1):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with slots.slot(host, 1):
        assert slots._take(names) is None


def test_no_more_than_the_slots_are_held_at_once() -> None:
    lock, held, most = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal held, most
        for _ in range(4):
            with slots.slot("threads.example", 3):
                with lock:
                    held += 1
                    most = max(most, held)
                with lock:
                    held -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 3


def test_a_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    slots._folder.cache_clear()
    (tmp_path / f"hephaestus-forge-{os.getuid()}").write_text("in the way")
    try:
        with slots.slot("h", 1):
            assert slots._folder() != str(tmp_path / f"hephaestus-forge-{os.getuid()}")
    finally:
        slots._folder.cache_clear()
