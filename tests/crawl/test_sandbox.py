from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.crawl.sandbox import Sandbox

LIGHT, MOODY = "tests.crawl.children:light", "tests.crawl.children:moody"
PAGE = b"<html><body><p>a quiet page</p></body></html>"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(LIGHT, seconds=3, memory_mb=1024) as box:
        box.start()
        yield box


def reason(box: Sandbox, body: bytes) -> str:
    answer = box.call({}, body)
    assert not answer.text and not answer.fields
    return answer.reason


def text(box: Sandbox, body: bytes) -> str:
    answer = box.call({}, body)
    assert not answer.reason
    return answer.text.strip()


def test_a_page_that_hangs_times_out_and_the_next_one_works(sandbox: Sandbox) -> None:
    assert reason(sandbox, b"<div>" * 60_000 + b"x") == "timeout"
    assert text(sandbox, PAGE) == "a quiet page"


def test_a_page_that_takes_too_much_memory_says_so_and_the_next_one_works(sandbox: Sandbox) -> None:
    sandbox.seconds = 60
    assert reason(sandbox, b"<p>" + b"<b>x" * 4_000_000) == "memory"
    assert text(sandbox, PAGE) == "a quiet page"


def test_a_killed_child_costs_one_page(sandbox: Sandbox) -> None:
    assert sandbox.pid is not None
    os.kill(sandbox.pid, signal.SIGKILL)
    assert reason(sandbox, PAGE) == "crash"
    assert text(sandbox, PAGE) == "a quiet page"


def test_a_stopped_child_times_out_even_while_it_is_sent_a_page(sandbox: Sandbox) -> None:
    assert sandbox.pid is not None
    os.kill(sandbox.pid, signal.SIGSTOP)
    assert reason(sandbox, b"<p>" + b"x" * (8 << 20)) == "timeout"


def test_a_child_is_replaced_after_its_share_of_pages() -> None:
    with Sandbox(MOODY, recycle_after=3) as box:
        pids = {(box.call({}, PAGE), box.pid)[1] for _ in range(7)}
        assert len(pids) == box.started == 3
        assert [a.text for a in box.map([({}, b"%d" % n) for n in range(7)])] == list("0123456")
        assert box.started == 5


def test_each_page_of_a_batch_gets_its_own_answer_whatever_happens_to_the_others() -> None:
    bodies = [b"one", b"die", b"two", b"raise", b"talk", b"die", b"die", b"three"]
    with Sandbox(MOODY, {"n": 1}, seconds=30) as box:
        answers = box.map([({"n": n}, body) for n, body in enumerate(bodies)])
    assert [a.reason for a in answers] == ["", "crash", "", "crash", "", "crash", "crash", ""]
    assert [(a.fields["n"], a.text) for a in answers if not a.reason] == [
        (0, "one"),
        (2, "two"),
        (4, "talk"),
        (7, "three"),
    ]


def test_batches_that_no_pipe_holds_go_through_in_both_directions() -> None:
    rng = random.Random(7)
    bodies = [rng.randbytes(rng.choice([0, 10, 5_000, 300_000, 3 << 20])).hex().encode() for _ in range(60)]
    with Sandbox(MOODY, seconds=30) as box:
        answers = box.map([({}, body) for body in bodies])
    assert [a.text.encode() for a in answers] == bodies


def test_a_hang_in_the_middle_of_a_batch_costs_one_page() -> None:
    with Sandbox(LIGHT, seconds=3) as box:
        answers = box.map([({}, PAGE), ({}, b"<div>" * 60_000 + b"x"), ({}, PAGE)])
    assert [(a.reason, a.text.strip()) for a in answers] == [
        ("", "a quiet page"),
        ("timeout", ""),
        ("", "a quiet page"),
    ]


def test_a_child_that_cannot_be_set_up_is_an_error_of_ours_and_no_page_s() -> None:
    with (
        Sandbox("tests.crawl.children:broken") as box,
        pytest.raises(RuntimeError, match="nothing to set up"),
    ):
        box.call({}, PAGE)


def test_nothing_is_left_when_the_parent_is_killed_in_the_middle_of_a_page(repository: Path) -> None:
    code = (
        "from corpus.crawl.sandbox import Sandbox\n"
        f"box = Sandbox({LIGHT!r}, seconds=600)\n"
        f"box.call({{}}, {PAGE!r})\n"
        "print(box.pid, flush=True)\n"
        "box.call({}, b'<div>' * 60000 + b'x')\n"
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
