"""The client against a real server on loopback: what it sends, how often, and what it makes of bad answers."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from corpus.engine.endpoint.cache import FILE, Cache
from corpus.engine.endpoint.client import Answer, Client
from corpus.engine.endpoint.config import EndpointConfig
from corpus.engine.endpoint.prompt import Ask
from corpus.engine.errors import UserError
from tests.engine.endpoint.server import Chat, serve, yes

SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
SECRET = "sk-very-secret-0123456789"


def ask(number: int) -> Ask:
    return Ask(str(number), "Judge the page.", f"page {number}", SCHEMA)


def asks(count: int) -> list[Ask]:
    return [ask(number) for number in range(count)]


def client(chat: Chat, cache: Cache | None = None, **settings: Any) -> Client:
    chosen = {"model": "judge-1", "pause": 0.01, "timeout": 20.0, **settings}
    return Client(EndpointConfig(url=chat.url, **chosen), cache or Cache(None))


def answers(made: Client, count: int) -> list[Answer]:
    return list(made.answers(asks(count)))


def test_answers_come_in_the_order_of_the_questions_and_fit_the_schema() -> None:
    def judge(messages: list[dict[str, str]]) -> str:
        number = int(messages[1]["content"].split()[1])
        time.sleep(0.02 * (number % 3))
        return json.dumps({"verdict": "yes" if number % 2 else "no"})

    with serve(Chat(judge)) as chat:
        found = answers(client(chat), 30)
    assert [answer.key for answer in found] == [str(number) for number in range(30)]
    assert [answer.value["verdict"] for answer in found] == ["no", "yes"] * 15
    assert 1 < chat.most_open <= 8


def test_the_schema_is_asked_for_as_structured_output_and_in_words() -> None:
    with serve(Chat()) as chat:
        answers(client(chat, temperature=0.5, seed=3, max_tokens=55, extra={"top_k": 4}), 1)
    body = chat.bodies[0]
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert json.dumps(SCHEMA, sort_keys=True) in body["messages"][0]["content"]
    assert (body["temperature"], body["seed"], body["max_tokens"], body["top_k"]) == (0.5, 3, 55, 4)


@pytest.mark.parametrize(
    ("refused", "taken"), [(("json_schema",), "json_object"), (("json_schema", "json_object"), None)]
)
def test_an_endpoint_without_structured_output_is_asked_in_the_next_form(
    refused: tuple[str, ...], taken: str | None
) -> None:
    def judge(_messages: list[dict[str, str]]) -> str:
        return 'Here it is: ```json\n{"verdict": "no"}\n``` as you asked'

    with serve(Chat(judge, refuses_forms=refused)) as chat:
        made = client(chat, workers=1)
        found = answers(made, 4)
    assert [answer.value for answer in found] == [{"verdict": "no"}] * 4
    assert len(chat.bodies) == 4 + len(refused)
    assert chat.bodies[-1].get("response_format", {}).get("type") == taken
    assert made.facts()["form"] == (taken or "text")


def test_an_answer_that_breaks_the_schema_is_asked_for_again_with_what_is_wrong() -> None:
    said = ['{"verdict": "perhaps"}', "no idea", '{"verdict": "no"}']
    with serve(Chat(lambda _messages: said.pop(0))) as chat:
        found = answers(client(chat), 1)
    assert found[0].value == {"verdict": "no"}
    assert "must be one of" in chat.bodies[1]["messages"][-1]["content"]
    assert chat.bodies[1]["messages"][-2]["content"] == '{"verdict": "perhaps"}'
    assert "no JSON object" in chat.bodies[2]["messages"][-1]["content"]


def test_after_the_last_ask_the_answer_is_a_violation_with_its_reason(tmp_path: Path) -> None:
    with serve(Chat(lambda _messages: '{"verdict": 5}')) as chat, Cache(str(tmp_path)) as cache:
        found = answers(client(chat, cache, asks=2), 1)
        assert (found[0].value, found[0].reason) == (None, "violation")
        assert "must be string" in found[0].detail
        again = answers(client(chat, cache, asks=2), 1)
        assert again[0].cached and again[0].reason == "violation"
        assert len(chat.bodies) == 2
        chat.judge = lambda _messages: '{"verdict": "yes"}'
        assert answers(client(chat, cache, asks=3), 1)[0].value == {"verdict": "yes"}


def test_throttling_server_errors_and_broken_answers_are_tried_again() -> None:
    chat = Chat(statuses=[429, 500, 503], raw=["", "", "", "<html>gateway</html>", '{"choices": []}'])
    with serve(chat):
        found = answers(client(chat, workers=1), 2)
    assert [answer.value for answer in found] == [{"verdict": "yes"}] * 2
    assert len(chat.bodies) == 7


def test_retry_after_holds_all_workers_back() -> None:
    def slowly(messages: list[dict[str, str]]) -> str:
        time.sleep(0.5)  # the second request is on its way while the first is told to wait
        return yes(messages)

    with serve(Chat(slowly, statuses=[429], retry_after="1")) as chat:
        found = answers(client(chat, workers=2), 3)
    assert all(answer.value for answer in found)
    assert all(moment - chat.times[0] > 0.9 for moment in chat.times[2:])  # what the server has asked for


def test_a_slow_answer_times_out_and_the_question_is_said_to_be_unanswered() -> None:
    with serve(Chat(drip=0.05)) as chat:
        began = time.monotonic()
        with pytest.raises(UserError, match="timed out"):
            answers(client(chat, timeout=0.3, retries=1, workers=1), 1)
    assert len(chat.bodies) == 2
    assert time.monotonic() - began < 15


def test_an_endpoint_that_goes_away_leaves_the_rest_unavailable() -> None:
    with serve(Chat(statuses=[200] * 3 + [500] * 500)) as chat:
        found = answers(client(chat, workers=1, retries=0), 40)
    assert [answer.reason for answer in found] == [""] * 3 + ["unavailable"] * 37
    assert len(chat.bodies) < 3 + 37
    assert "500" in found[-1].detail


def test_an_endpoint_that_was_never_there_is_the_users_to_mend() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    with pytest.raises(UserError, match="has answered no request"):
        list(Client(EndpointConfig(url=address, model="m", retries=0), Cache(None)).answers(asks(3)))


def test_a_refused_question_is_one_refused_question() -> None:
    chat = Chat(statuses=[200, 400, 200], error={"error": {"message": "context length exceeded"}})
    with serve(chat):
        found = answers(client(chat, workers=1), 3)
    assert [answer.reason for answer in found] == ["", "refused", ""]
    assert "context length exceeded" in found[1].detail
    assert len(chat.bodies) == 3


def test_an_endpoint_that_refuses_all_is_told_of_in_its_own_words() -> None:
    chat = Chat(statuses=[400] * 50, error={"error": {"message": "unknown model judge-1"}})
    with serve(chat), pytest.raises(UserError, match="unknown model judge-1"):
        answers(client(chat, workers=2), 40)
    assert len(chat.bodies) < 20


@pytest.mark.parametrize("status", [401, 402, 403, 404, 501])
def test_other_refusals_end_the_run_at_once(status: int) -> None:
    with serve(Chat(statuses=[status] * 50)) as chat, pytest.raises(UserError, match=f"{status}: not now"):
        answers(client(chat, workers=2), 40)
    assert len(chat.bodies) <= 10


def test_the_reason_that_ends_a_run_is_the_one_that_is_told() -> None:
    chat = Chat(statuses=[429, 401], retry_after="30")  # the first question waits when the second is refused
    with serve(chat), pytest.raises(UserError, match="401: not now"):
        answers(client(chat, workers=2), 10)
    assert len(chat.bodies) == 2


def test_credit_that_is_used_up_is_not_waited_for() -> None:
    chat = Chat(statuses=[429] * 9, error={"error": {"code": "insufficient_quota", "message": "no credit"}})
    with serve(chat), pytest.raises(UserError, match="no credit"):
        answers(client(chat, workers=1), 2)


def test_the_key_comes_from_the_environment_and_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", f"{SECRET}\n")
    with serve(Chat(key=SECRET)) as chat:
        assert answers(client(chat, key_env="JUDGE_KEY"), 1)[0].value == {"verdict": "yes"}
        monkeypatch.setenv("JUDGE_KEY", SECRET + "-old")
        with pytest.raises(UserError) as told:
            answers(client(chat, key_env="JUDGE_KEY"), 1)
    assert "401" in str(told.value) and SECRET not in str(told.value)
    assert told.value.__cause__ is None


def test_a_key_that_is_missing_or_broken_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    config = EndpointConfig(url="http://127.0.0.1:1/v1", model="m", key_env="JUDGE_KEY")
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(UserError, match="JUDGE_KEY"):
        Client(config, Cache(None))
    monkeypatch.setenv("JUDGE_KEY", "sk-one\nX-Evil: two")
    with pytest.raises(UserError) as told:
        Client(config, Cache(None))
    assert "sk-one" not in str(told.value)


def test_neither_key_nor_pages_follow_a_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", SECRET)
    elsewhere = pytest.raises(UserError, match="another address")
    with serve(Chat()) as thief, serve(Chat(redirect=f"{thief.url}/chat/completions")) as chat, elsewhere:
        answers(client(chat, key_env="JUDGE_KEY"), 1)
    assert thief.bodies == []


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "ftp://x/v1"},
        {"url": "http://user:hunter2@x/v1"},
        {"url": "http://x/v1?key=hunter2"},
        {"model": ""},
        {"max_money": 1.0},
        {"extra": {"messages": []}},
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UserError) as told:
        Client(EndpointConfig(**{"url": "http://x/v1", "model": "m", **settings}), Cache(None))
    assert "hunter2" not in str(told.value)


def test_a_second_run_sends_nothing(tmp_path: Path) -> None:
    with serve(Chat()) as chat:
        with Cache(str(tmp_path)) as cache:
            first = answers(client(chat, cache), 20)
        sent = len(chat.bodies)
        with Cache(str(tmp_path)) as cache:
            made = client(chat, cache, workers=3)
            second = answers(made, 20)
    assert (sent, len(chat.bodies)) == (20, 20)
    assert [answer.value for answer in second] == [answer.value for answer in first]
    assert all(answer.cached for answer in second) and made.budget.spent()["requests"] == 0


@pytest.mark.parametrize(
    "changed", [{"model": "judge-2"}, {"temperature": 0.7}, {"max_tokens": 9}, {"extra": {"a": 1}}]
)
def test_another_model_or_parameter_is_another_question(tmp_path: Path, changed: dict[str, Any]) -> None:
    with serve(Chat()) as chat, Cache(str(tmp_path)) as cache:
        answers(client(chat, cache), 2)
        answers(client(chat, cache, **changed), 2)
    assert len(chat.bodies) == 4


def test_equal_questions_under_way_are_sent_once() -> None:
    with serve(Chat(pause=0.2)) as chat:
        made = client(chat)
        found = list(made.answers([Ask(str(n), "s", "the same page", SCHEMA) for n in range(6)]))
    assert [answer.key for answer in found] == list("012345")
    assert len(chat.bodies) == 1


def test_an_answer_in_the_cache_that_breaks_the_schema_is_not_believed(tmp_path: Path) -> None:
    import sqlite3

    with serve(Chat()) as chat, Cache(str(tmp_path)) as cache:
        answers(client(chat, cache), 1)
        with sqlite3.connect(tmp_path / FILE) as other:
            other.execute('UPDATE answers SET value = \'{"verdict": "<script>"}\'')
        assert answers(client(chat, cache), 1)[0].value == {"verdict": "yes"}
    assert len(chat.bodies) == 2


def test_a_cache_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database" * 1000)
    with pytest.raises(UserError, match="cannot open the cache"):
        Cache(str(tmp_path))
    with pytest.raises(UserError, match="local disk"):
        Cache("s3://bucket/cache")
