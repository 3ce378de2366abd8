from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.crawl.sandbox import Sandbox, SandboxError

PAGE = b"<html><body><p>a quiet page</p></body></html>"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seconds=3, memory_mb=1024) as box:
        box.call("scan", PAGE, charset="")  # pay for the imports, so that limits below are the page's own
        yield box


def reason(box: Sandbox, body: bytes, command: str = "scan") -> str:
    with pytest.raises(SandboxError) as caught:
        box.call(command, body, charset="", url="", robots="", link="")
    return caught.value.reason


def test_a_page_that_hangs_times_out_and_the_next_one_works(sandbox: Sandbox) -> None:
    assert reason(sandbox, b"<div>" * 60_000 + b"x") == "timeout"
    assert sandbox.call("scan", PAGE, charset="")[1].strip() == "a quiet page"


def test_a_page_that_takes_too_much_memory_says_so_and_the_next_one_works(sandbox: Sandbox) -> None:
    sandbox.seconds = 60
    assert reason(sandbox, b"<p>" + b"<b>x" * 4_000_000) == "memory"
    assert sandbox.call("scan", PAGE, charset="")[1].strip() == "a quiet page"


def test_a_killed_child_costs_one_page(sandbox: Sandbox) -> None:
    assert sandbox.pid is not None
    os.kill(sandbox.pid, signal.SIGKILL)
    assert reason(sandbox, PAGE) == "crash"
    assert sandbox.call("scan", PAGE, charset="")[1].strip() == "a quiet page"


def test_a_stopped_child_times_out_even_while_it_is_sent_a_page(sandbox: Sandbox) -> None:
    assert sandbox.pid is not None
    os.kill(sandbox.pid, signal.SIGSTOP)
    assert reason(sandbox, b"<p>" + b"x" * (8 << 20)) == "timeout"


def test_a_child_is_replaced_after_its_share_of_pages() -> None:
    with Sandbox(recycle_after=3) as box:
        pids = {(box.call("scan", PAGE, charset=""), box.pid)[1] for _ in range(7)}
        assert len(pids) == box.started == 3


def test_nothing_is_left_when_the_parent_is_killed_in_the_middle_of_a_page(repository: Path) -> None:
    code = (
        "from corpus.crawl.sandbox import Sandbox\n"
        "box = Sandbox(seconds=600)\n"
        f"box.call('scan', {PAGE!r}, charset='')\n"
        "print(box.pid, flush=True)\n"
        "box.call('scan', b'<div>' * 60000 + b'x', charset='')\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=repository)
    assert parent.stdout
    child = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not _runs(child):
            break
        time.sleep(0.1)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # a zombie waits for init alone
