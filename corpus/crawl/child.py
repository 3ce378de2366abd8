"""The process that works on pages, started and watched by `sandbox`.

    python -m corpus.crawl.child MEMORY_MB PARENT JOB < frames > frames

JOB is `module:function`. The function is called once with the set-up that the first frame holds, and returns
what is called for each page. Frames are a length of JSON fields, a length of bytes, and both. What is parsed
is hostile, so nothing here is pickled and nothing of an answer is trusted to be small.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

HEAD = struct.Struct("<II")  # bytes of the JSON fields, bytes of the page
MEMORY, CRASH = "memory", "crash"
# a page's fields and bytes to the answer's fields and bytes
Work = Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]
_PR_SET_PDEATHSIG = 1
_NEAR = 0.75  # of the memory limit: allocators grow by doubling, so a failed request leaves a gap below it


def encode(fields: dict[str, Any], body: bytes = b"") -> bytes:
    data = json.dumps(fields, ensure_ascii=True).encode("ascii")
    return HEAD.pack(len(data), len(body)) + data + body


def main() -> None:
    memory_mb, parent, job = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when this ends
    limit = memory_mb << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    inbox = os.fdopen(os.dup(0), "rb", buffering=1 << 18)
    outbox = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints must not reach the frames
    first = _read(inbox)
    if first is None:
        return
    work = _open(job, first[0])
    _write(outbox, encode({"ready": True}))
    while request := _read(inbox):
        _write(outbox, _answer(work, *request, limit=limit))


def _open(job: str, setup: dict[str, Any]) -> Work:
    module, _, name = job.partition(":")
    made: Work = getattr(importlib.import_module(module), name)(setup)
    return made


def _answer(work: Work, fields: dict[str, Any], body: bytes, *, limit: int) -> bytes:
    try:
        return encode(*work(fields, body))
    except MemoryError:
        return encode({"reason": MEMORY})
    except Exception as error:
        print(f"{type(error).__name__}: {error}"[:500], file=sys.stderr)
        return encode({"reason": MEMORY if _peak_bytes() > _NEAR * limit else CRASH})


def _read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    size, body = HEAD.unpack(head)
    return json.loads(stream.read(size)), stream.read(body)


def _write(stream: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]


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


if __name__ == "__main__":
    main()
