"""Our configuration makes AgentBench's client and an OpenAI-compatible server of our model understand each other."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from training.benchmark.agentbench import _MAIN, COLUMNS
from training.benchmark.generate import complete, prompt_of

CONF = Path(__file__).resolve().parents[3] / "conf" / "evaluation"
HISTORY = [{"role": "user", "content": "call number 3"}, {"role": "agent", "content": "item_3"},
           {"role": "user", "content": "call number 4"}]  # fmt: skip


@pytest.fixture
def server(model: tuple[Any, Any]) -> Iterator[tuple[int, list[Any]]]:
    """Chat completions of our model on a real port of this machine, and the bodies that came."""
    net, tokenizer = model
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, dict(self.headers), body))
            (said,) = complete([body["messages"]], net, tokenizer, template="plain", most=5)
            choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            answer = {"object": "chat.completion", "model": body["model"], "choices": [choice]}
            payload = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield listening.server_port, asked
    listening.shutdown()
    listening.server_close()


def ask(parameters: dict[str, Any], history: list[dict[str, str]]) -> str:
    """What AgentBench's HTTPAgent does with its parameters."""
    prompter = parameters["prompter"]
    assert prompter["name"] == "role_content_dict"
    roles = {"user": "user", "agent": prompter["args"]["agent_role"]}
    messages = [{"role": roles[turn["role"]], "content": turn["content"]} for turn in history]
    body = json.dumps({**parameters["body"], "messages": messages}).encode()
    request = urllib.request.Request(parameters["url"], data=body, headers=parameters["headers"])
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
        return str(parameters["return_format"].format(response=json.load(answer)))


def test_the_agent_of_our_configuration_gets_the_words_of_our_model(
    server: tuple[int, list[Any]], model: tuple[Any, Any]
) -> None:
    port, asked = server
    (agent,) = yaml.safe_load((CONF / "agentbench" / "agent.yaml").read_text()).values()
    assert agent["module"] == "src.client.agents.HTTPAgent"
    parameters = dict(agent["parameters"])
    assert ":8000/" in parameters["url"]
    parameters["url"] = parameters["url"].replace(":8000/", f":{port}/")
    said = ask(parameters, HISTORY)
    ((path, headers, body),) = asked
    assert path == "/v1/chat/completions" and headers["Content-Type"] == "application/json"
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert body["model"] == parameters["name"] and body["temperature"] == 0
    (expected,) = complete([body["messages"]], *model, template="plain", most=5)
    assert said == expected


def test_assignment_names_our_agent_and_a_task_for_each_column_of_the_table() -> None:
    (name,) = yaml.safe_load((CONF / "agentbench" / "agent.yaml").read_text())
    assignment = yaml.safe_load((CONF / "agentbench" / "assignment.yaml").read_text())
    (one,) = assignment["assignments"]
    assert one["agent"] == [name] == list(assignment["concurrency"]["agent"])
    assert set(one["task"]) == set(assignment["concurrency"]["task"])
    begins = {column: begin for column, (begin, _, _) in _MAIN.items()}
    assert all(sum(task.startswith(begins[column]) for task in one["task"]) == 1 for column in COLUMNS)


def test_chat_template_for_servers_gives_the_prompt_that_benchmark_loss_reads(model: tuple[Any, Any]) -> None:
    _, tokenizer = model
    messages = [{"role": "system", "content": "Use the tools."}, {"role": "user", "content": "add 1 and 2"},
                {"role": "assistant", "content": "add(1, 2)"}, {"role": "tool", "content": "3"},
                {"role": "user", "content": "thanks"}]  # fmt: skip
    template = (CONF / "plain.jinja").read_text()
    said = tokenizer.apply_chat_template(
        messages, chat_template=template, tokenize=False, add_generation_prompt=True
    )
    assert said == prompt_of(messages, tokenizer, "plain")
