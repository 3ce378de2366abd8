"""A small web server on loopback that speaks the chat-completions protocol, and can be told to behave badly."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Judge = Callable[[list[dict[str, str]]], str]


def yes(_messages: list[dict[str, str]]) -> str:
    return json.dumps({"verdict": "yes"})


@dataclass
class Chat:
    """What answers, and how badly. `judge` makes the text of an answer from the messages of a request.

    `statuses` and `raw` are for the first requests, in the order in which they come; 200 and "" pass.
    """

    judge: Judge = yes
    statuses: list[int] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)  # bodies that are sent in place of a completion
    retry_after: str = ""
    error: dict[str, Any] = field(default_factory=lambda: {"error": {"message": "not now"}})
    refuses_forms: tuple[str, ...] = ()  # types of response_format that are answered with 400
    pause: float = 0.0  # seconds before each answer
    drip: float = 0.0  # seconds between two bytes of an answer
    counts_tokens: bool = True
    redirect: str = ""
    key: str = ""  # what must stand behind "Bearer "
    finish: str = "stop"
    bodies: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    url: str = ""

    def tokens(self, messages: list[dict[str, str]]) -> int:
        return sum(len(message["content"].split()) for message in messages)


@contextlib.contextmanager
def serve(chat: Chat) -> Iterator[Chat]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                chat.bodies.append(body)
                chat.times.append(time.monotonic())
                chat.open += 1
                chat.most_open = max(chat.most_open, chat.open)
                status = chat.statuses.pop(0) if chat.statuses else 200
                raw = chat.raw.pop(0) if chat.raw else ""
            try:
                time.sleep(chat.pause)
                self.answer(body, status, raw)
            finally:
                with lock:
                    chat.open -= 1

        def answer(self, body: dict[str, Any], status: int, raw: str) -> None:
            form = body.get("response_format", {}).get("type", "")
            if self.path != "/v1/chat/completions":
                self.send(404, {"error": {"message": "no such path"}})
            elif chat.redirect:
                self.send(307, {}, {"Location": chat.redirect})
            elif chat.key and self.headers.get("Authorization") != f"Bearer {chat.key}":
                told = self.headers.get("Authorization", "").removeprefix("Bearer ")
                self.send(401, {"error": {"message": f"Incorrect API key provided: {told}"}})
            elif form in chat.refuses_forms:
                self.send(400, {"error": {"message": f"response_format of type {form} is not supported"}})
            elif status != 200:
                self.send(status, chat.error, {"Retry-After": chat.retry_after} if chat.retry_after else {})
            elif raw:
                self.send_bytes(200, raw.encode(), {})
            else:
                self.send(200, self.completion(body))

        def completion(self, body: dict[str, Any]) -> dict[str, Any]:
            text = chat.judge(body["messages"])
            message = {"role": "assistant", "content": text}
            found: dict[str, Any] = {"choices": [{"message": message, "finish_reason": chat.finish}]}
            if chat.counts_tokens:
                counted = {"prompt_tokens": chat.tokens(body["messages"])}
                found["usage"] = {**counted, "completion_tokens": len(text.split())}
            return found

        def send(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            self.send_bytes(status, json.dumps(value).encode(), headers or {})

        def send_bytes(self, status: int, data: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(OSError):  # a client that has lost its patience
                if not chat.drip:
                    self.wfile.write(data)
                    return
                for at in range(len(data)):
                    self.wfile.write(data[at : at + 1])
                    self.wfile.flush()
                    time.sleep(chat.drip)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    chat.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
