"""A real web server on this machine that can be told to behave badly."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Store:
    """What is served, and how badly. `asked` collects the Range header of each GET.

    Lists of answers are for the first requests, in their order; all later ones are answered well.
    """

    files: dict[str, bytes]
    cut_after: list[int] = field(default_factory=list)  # bytes sent by the first GETs; then all
    statuses: list[int] = field(default_factory=list)  # of the first GETs
    head_statuses: list[int] = field(default_factory=list)
    retry_after: str = ""  # sent with each bad status
    later: dict[str, bytes] = field(default_factory=dict)  # files that are others from the second GET on
    ranges: bool = True
    etags: list[str] = field(default_factory=list)  # of the first GETs; then always the same
    weak: bool = False  # no ETag that promises equal bytes
    stall: list[float] = field(
        default_factory=list
    )  # seconds of silence behind the first bytes of the first GETs
    pause: float = 0.0  # seconds between two pieces
    piece: int = 1 << 16
    redirects: dict[str, str] = field(default_factory=dict)
    length_off: int = 0  # added to what HEAD says
    asked: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)  # of all requests
    logins: list[str | None] = field(default_factory=list)
    connections: int = 0
    open: int = 0  # GETs that are being answered
    most_open: int = 0
    address: str = ""


@contextlib.contextmanager
def serve(store: Store) -> Iterator[Store]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else the client waits 40 ms between head and body

        def setup(self) -> None:
            super().setup()
            with lock:
                store.connections += 1

        def do_HEAD(self) -> None:
            store.paths.append(self.path)
            store.logins.append(self.headers.get("Authorization"))
            status = store.head_statuses.pop(0) if store.head_statuses else 200
            if self.refused(status):
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(store.files[self.path]) + store.length_off))
            self.end_headers()

        def do_GET(self) -> None:
            with lock:
                store.paths.append(self.path)
                store.asked.append(self.headers.get("Range"))
                store.logins.append(self.headers.get("Authorization"))
                store.open += 1
                store.most_open = max(store.open, store.most_open)
                etag = store.etags.pop(0) if store.etags else '"last"'
                status = store.statuses.pop(0) if store.statuses else 200
            try:
                if not self.refused(status):
                    self.answer(store.files[self.path], "W/" * store.weak + etag)
            finally:
                with lock:
                    store.open -= 1
                    store.files.update(store.later)

        def refused(self, status: int) -> bool:
            if status == 200 and self.path in store.files:
                return False
            if self.path in store.redirects:
                self.send_response(302)
                self.send_header("Location", store.redirects[self.path])
            else:
                self.send_response(status if status != 200 else 404)
            if store.retry_after:
                self.send_header("Retry-After", store.retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return True

        def answer(self, data: bytes, etag: str) -> None:
            asked = _RANGE.fullmatch(self.headers.get("Range") or "") if store.ranges else None
            condition = self.headers.get("If-Range")
            start, end = 0, len(data)
            if asked and condition in (None, etag):
                start = int(asked[1])
                end = min(int(asked[2]) + 1, end) if asked[2] else end
                if start >= len(data):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(data)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(end - start))
            self.send_header("ETag", etag)
            self.end_headers()
            with lock:
                stop = start + store.cut_after.pop(0) if store.cut_after else end
                stall = store.stall.pop(0) if store.stall else 0.0
            self.send(data[start : min(stop, end)], stall)
            self.close_connection = stop < end

        def send(self, data: bytes, stall: float) -> None:
            with contextlib.suppress(ConnectionError):
                if stall:
                    self.wfile.write(data[:1000])
                    time.sleep(stall)
                    data = data[1000:]
                step = store.piece if store.pause else max(len(data), 1)
                for at in range(0, len(data), step):
                    self.wfile.write(data[at : at + step])
                    time.sleep(store.pause)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # readers that go away are part of the tests

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    store.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
