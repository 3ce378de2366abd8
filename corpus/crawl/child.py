"""The process that parses pages, started and watched by `sandbox`.

Requests and answers are frames on stdin and stdout: a length, then JSON of the fields, then the page's bytes.
What is parsed is hostile, so nothing here is pickled and nothing of an answer is trusted to be small.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO

HEAD = struct.Struct("<II")  # bytes of the JSON fields, bytes of the page
_PR_SET_PDEATHSIG = 1
_NEAR = 0.75  # of the memory limit: allocators grow by doubling, so a failed request leaves a gap below it
_RESET_EVERY = 200  # extractions between resets of trafilatura's caches, which grow without bound


def encode(fields: dict[str, Any], body: bytes = b"") -> bytes:
    data = json.dumps(fields, ensure_ascii=True).encode("ascii")
    return HEAD.pack(len(data), len(body)) + data + body


def scan(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Decode a page and take its light text and language: what the classifier needs."""
    from corpus.crawl.charset import decode
    from corpus.crawl.html import light_text
    from corpus.crawl.language import detect

    try:
        page, charset = decode(body, fields["charset"])
    except UnicodeError:
        return {"reason": "undecodable"}, b""
    text = light_text(page)
    return {"charset": charset, "language": detect(text)}, text.encode("utf-8", "replace")


def extract(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Decode a page again and extract it in full."""
    from corpus.crawl.charset import decode
    from corpus.crawl.html import full_extract

    page, _ = decode(body, fields["charset"])
    found = asdict(full_extract(page, fields["url"], robots=fields["robots"], link=fields["link"]))
    text = found.pop("text")
    _reset_caches()
    return found, text.encode("utf-8", "replace")


def describe(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Decode a page again and take what it says of itself, without its text: cheap beside `extract`."""
    from corpus.crawl.charset import decode
    from corpus.crawl.html import describe

    page, _ = decode(body, fields["charset"])
    return asdict(describe(page, robots=fields["robots"], link=fields["link"])), b""


COMMANDS: dict[str, Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]] = {
    "scan": scan,
    "extract": extract,
    "describe": describe,
}


def main() -> None:
    memory_mb, parent = int(sys.argv[1]), int(sys.argv[2])
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when this ends
    limit = memory_mb << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    inbox = os.fdopen(os.dup(0), "rb")
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not reach the frames
    while request := _read(inbox):
        fields, body = request
        try:
            answer = encode(*COMMANDS[fields["command"]](fields, body))
        except MemoryError:
            answer = encode({"reason": "memory"})
        except Exception as error:
            print(f"{type(error).__name__}: {error}"[:500], file=sys.stderr)
            answer = encode({"reason": "memory" if _peak_bytes() > _NEAR * limit else "crash"})
        outbox.write(answer)
        outbox.flush()


def _read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    size, body = HEAD.unpack(head)
    return json.loads(stream.read(size)), stream.read(body)


def _die_with_parent(parent: int) -> None:
    """Linux kills this process with its parent; elsewhere the closed pipe ends it after the page."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)


def _peak_bytes() -> int:
    """The most address space that this process had: parsers report a failed allocation as any error."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmPeak"))
    except (OSError, StopIteration):
        return 0


_extracted = 0


def _reset_caches() -> None:
    global _extracted  # noqa: PLW0603 - the process is the unit that the caches live in
    _extracted += 1
    if _extracted % _RESET_EVERY == 0:
        from trafilatura.meta import reset_caches

        reset_caches()


if __name__ == "__main__":
    main()
