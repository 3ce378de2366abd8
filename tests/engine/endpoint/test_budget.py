"""Caps hold by construction: what could pass one is not sent."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from corpus.engine.endpoint.budget import Budget, Cost
from corpus.engine.endpoint.cache import Cache, Stored
from corpus.engine.endpoint.client import Client
from corpus.engine.endpoint.config import EndpointConfig
from tests.engine.endpoint.server import Chat, serve
from tests.engine.endpoint.test_client import answers, client


@pytest.mark.parametrize(
    ("caps", "counted", "cap"),
    [
        ({"max_requests": 7}, "requests", 7),
        ({"max_tokens_in": 3_000}, "tokens_in", 3_000),
        ({"max_tokens_out": 120, "max_tokens": 50}, "tokens_out", 120),
        ({"max_money": 0.004, "price_in": 1.0, "price_out": 2.0}, "money", 0.004),
    ],
)
def test_no_cap_is_passed_and_what_was_not_asked_is_said(
    caps: dict[str, Any], counted: str, cap: float
) -> None:
    with serve(Chat()) as chat:
        made = client(chat, **caps)
        found = answers(made, 200)
    done = [answer for answer in found if answer.value]
    assert 0 < len(done) < 200
    assert made.budget.spent()[counted] <= cap
    assert [answer.reason for answer in found] == [""] * len(done) + ["budget"] * (200 - len(done))
    assert len(chat.bodies) == len(done)


def test_the_pages_that_a_cap_lets_through_do_not_depend_on_the_workers() -> None:
    def served(workers: int) -> int:
        with serve(Chat(pause=0.01)) as chat:
            found = answers(client(chat, max_tokens_in=4_000, workers=workers), 100)
        return sum(answer.reason == "" for answer in found)

    assert served(1) == served(8)


def test_an_endpoint_that_counts_no_tokens_is_charged_the_worst_case() -> None:
    with serve(Chat(counts_tokens=False)) as chat:
        made = client(chat, max_tokens_in=3_000)
        answers(made, 50)
    sent = sum(len(m["content"].encode()) for body in chat.bodies for m in body["messages"])
    assert sent < made.budget.spent()["tokens_in"] <= 3_000


def test_a_lost_answer_is_charged_since_it_may_be_on_the_bill() -> None:
    chat = Chat(raw=["<html>oops</html>"])
    with serve(chat):
        made = client(chat, workers=1)
        answers(made, 1)
    assert made.budget.spent()["requests"] == 2


def test_a_refused_request_is_not_charged() -> None:
    with serve(Chat(statuses=[503])) as chat:
        made = client(chat, workers=1)
        answers(made, 1)
    assert made.budget.spent()["requests"] == 1


def test_money_follows_from_tokens_and_prices() -> None:
    config = EndpointConfig(url="http://x/v1", model="m", price_in=2.0, price_out=10.0)
    budget = Budget(config)
    assert budget.reserve(Cost(10, 10), wait=False)
    budget.settle(Cost(10, 10), Cost(500_000, 100_000))
    assert budget.spent() == {"requests": 1, "tokens_in": 500_000, "tokens_out": 100_000, "money": 2.0}


def _write(folder: str, first: int) -> None:
    with Cache(folder) as cache:
        for number in range(first, first + 60):
            cache.put(str(number), "m", Stored({"n": number}, "", "", 1, 1))


def test_processes_share_one_cache(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(str(tmp_path), start)) for start in (0, 30, 60)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with Cache(str(tmp_path)) as cache:
        found = [cache.get(str(number)) for number in range(120)]
    assert [stored.value["n"] for stored in found if stored] == list(range(120))


def test_a_run_that_is_left_early_sends_nothing_more() -> None:
    with serve(Chat()) as chat:
        made: Client = client(chat, workers=2)
        run = made.answers(iter_asks())
        next(run)
        run.close()
        sent = len(chat.bodies)
        assert sent < 40


def iter_asks() -> Any:
    from tests.engine.endpoint.test_client import ask

    number = 0
    while True:
        yield ask(number)
        number += 1
