"""A real web server on this machine that can be told to cut connections."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Store:
    """What is served, and how badly. `asked` collects the Range header of each GET."""

    files: dict[str, bytes]
    cut_after: list[int] = field(default_factory=list)  # bytes sent by the first GETs; then all
    statuses: list[int] = field(default_factory=list)  # answers of the first GETs
    ranges: bool = True
    etags: list[str] = field(default_factory=list)  # of the first GETs; then always the same
    asked: list[str | None] = field(default_factory=list)
    address: str = ""


@contextlib.contextmanager
def serve(store: Store) -> Iterator[Store]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(store.files.get(self.path, b""))))
            self.end_headers()

        def do_GET(self) -> None:
            etag = store.etags.pop(0) if store.etags else '"last"'
            asked = self.headers.get("Range")
            store.asked.append(asked)
            status = store.statuses.pop(0) if store.statuses else 200
            if status != 200 or self.path not in store.files:
                self.send_error(status if status != 200 else 404)
                return
            data, start = store.files[self.path], 0
            if asked and store.ranges and self.headers.get("If-Range") == etag:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(data) - start))
            self.send_header("ETag", etag)
            self.end_headers()
            end = start + store.cut_after.pop(0) if store.cut_after else len(data)
            self.wfile.write(data[start:end])

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
