"""A hub on the loopback: takes data sets as the real one does, by the protocol of its client."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

LARGE = (
    ".parquet",
    ".json",
)  # what the hub keeps in its store of large files; the rest comes inside the commit


@dataclass
class Hub:
    """What the server has taken. `refuse` is a status that it answers everything with."""

    address: str = ""
    token: str = "hf_right"
    refuse: int = 0
    private: dict[str, bool] = field(default_factory=dict)
    store: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)  # by repository, then by path
    seen: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._body()
        if not self._admitted():
            return
        there = self.hub.files.get("/".join(self.path.split("/")[3:5]), {})
        if "/tree/" in self.path:
            entries = [
                {"type": "file", "path": path, "size": len(data), "oid": "0"} for path, data in there.items()
            ]
            self._answer(200, entries)
        else:
            self._answer(404, {"error": "Repository not found"})

    def do_PUT(self) -> None:
        data = self._body()
        self.hub.store[hashlib.sha256(data).hexdigest()] = data
        self._answer(200, {})

    def do_POST(self) -> None:
        data = self._body()
        if not self._admitted():
            return
        if self.path == "/api/repos/create":
            self._create(json.loads(data))
        elif self.path == "/api/validate-yaml":
            self.hub.cards.append(json.loads(data)["content"])
            self._answer(200, {"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            modes = [
                {"path": f["path"], "uploadMode": "lfs" if f["path"].endswith(LARGE) else "regular"}
                for f in json.loads(data)["files"]
            ]
            self._answer(200, {"files": [{**mode, "shouldIgnore": False} for mode in modes]})
        elif self.path.endswith("/info/lfs/objects/batch"):
            wanted = json.loads(data)["objects"]
            action = {"upload": {"href": f"{self.hub.address}/store"}}
            self._answer(
                200, {"transfer": "basic", "objects": [{**one, "actions": action} for one in wanted]}
            )
        elif "/commit/" in self.path:
            self._commit([json.loads(line) for line in data.splitlines()])
        else:
            self._answer(404, {"error": f"no such address {self.path}"})

    def _create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}" if wanted.get("organization") else wanted["name"]
        known = name in self.hub.private
        visibility = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        self.hub.private.setdefault(name, visibility)
        url = f"{self.hub.address}/datasets/{name}"
        self._answer(409 if known else 200, {"url": url, "name": name, "id": name})

    def _commit(self, lines: list[dict[str, Any]]) -> None:
        name = "/".join(self.path.split("/")[3:5])
        there = self.hub.files.setdefault(name, {})
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                there[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del there[value["path"]]
            elif line["key"] == "lfsFile":
                there[value["path"]] = self.hub.store[value["oid"]]
        url = f"{self.hub.address}/datasets/{name}/commit/{'0' * 40}"
        self._answer(200, {"commitUrl": url, "commitOid": "0" * 40, "success": True})

    def _admitted(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.hub.refuse:
            self._answer(self.hub.refuse, {"error": "You don't have the rights to create this repository"})
        elif given != f"Bearer {self.hub.token}":
            self._answer(401, {"error": "Invalid credentials in Authorization header"})
        else:
            return True
        return False

    def _body(self) -> bytes:
        self.hub.seen.append(f"{self.command} {self.path}")
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serve() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
