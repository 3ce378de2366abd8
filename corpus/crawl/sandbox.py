"""A child process that parses pages and may be killed: no page can stop a job.

Timers inside a process do not fire while C code runs, and a worker that dies is started again on the same
page until the job fails. So pages are parsed in a child with limits of time and memory; when it hangs,
crashes or runs out of memory, that page gets a reason and a fresh child takes the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from types import TracebackType
from typing import Any

from corpus.crawl.child import HEAD, encode

TIMEOUT, CRASH, MEMORY = "timeout", "crash", "memory"
_START_SECONDS = 60.0  # a fresh child imports its libraries on a busy machine
_PIPE_BYTES = 1 << 20
_ANSWER_CAP = 256 << 20
_MEMORY_WORDS = (b"memory allocation", b"MemoryError", b"bad_alloc", b"out of memory", b"Cannot allocate")
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)


class SandboxError(Exception):
    """The page could not be processed; `reason` is 'timeout', 'crash', 'memory' or what the child said."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sandbox:
    """One child and its replacements. Not for use by several threads."""

    def __init__(self, *, seconds: float = 20.0, memory_mb: int = 2048, recycle_after: int = 20_000) -> None:
        self.seconds, self.memory_mb, self.recycle_after = seconds, memory_mb, recycle_after
        self.started = 0  # children so far
        self._child: subprocess.Popen[bytes] | None = None
        self._stderr: Any = None
        self._served = 0

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def call(self, command: str, body: bytes, **fields: str) -> tuple[dict[str, Any], str]:
        """Have the child do `command` on a page; its fields and text. Raises SandboxError with a reason."""
        if self._child is None or self._served >= self.recycle_after:
            self.close()
            self._start()
        self._served += 1
        # the first page of a child also pays for its imports
        seconds = self.seconds + (_START_SECONDS if self._served == 1 else 0.0)
        try:
            answer, text = self._exchange(
                encode({"command": command, **fields}, body), time.monotonic() + seconds
            )
        except TimeoutError:
            self.close()
            raise SandboxError(TIMEOUT) from None
        except (OSError, EOFError, ValueError):
            raise SandboxError(self._post_mortem()) from None
        reason = answer.get("reason")
        if reason:
            if reason == MEMORY:  # what is left of its heap is not to be trusted with the next page
                self.close()
            raise SandboxError(str(reason))
        return answer, text

    def close(self) -> None:
        """End the child, whatever it does."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        child.wait()
        self._stderr.close()

    def _start(self) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p or os.getcwd() for p in sys.path))
        self._child = subprocess.Popen(
            [sys.executable, "-m", "corpus.crawl.child", str(self.memory_mb), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
            env=environment,
        )
        self.started += 1
        self._served = 0
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            if _SET_PIPE_SIZE:
                with contextlib.suppress(OSError):
                    fcntl.fcntl(pipe.fileno(), _SET_PIPE_SIZE, _PIPE_BYTES)

    def _exchange(self, request: bytes, deadline: float) -> tuple[dict[str, Any], str]:
        """Send a request and read its answer, both before the deadline."""
        assert self._child and self._child.stdin and self._child.stdout
        out, into = self._child.stdin.fileno(), self._child.stdout.fileno()
        rest = memoryview(request)
        while rest:
            _wait(out, select.POLLOUT, deadline)
            rest = rest[os.write(out, rest) :]
        size, body = HEAD.unpack(_receive(into, HEAD.size, deadline))
        if size + body > _ANSWER_CAP:
            raise ValueError("answer too large")
        fields = json.loads(_receive(into, size, deadline))
        return fields, _receive(into, body, deadline).decode("utf-8")

    def _post_mortem(self) -> str:
        """Why the child died, told by what it said last; then it is cleared away."""
        said = b""
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=1)
            self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 4096))
            said = self._stderr.read()
        self.close()
        return MEMORY if any(words in said for words in _MEMORY_WORDS) else CRASH


def _receive(fd: int, n: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    while n:
        _wait(fd, select.POLLIN, deadline)
        part = os.read(fd, min(n, _PIPE_BYTES))
        if not part:
            raise EOFError
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def _wait(fd: int, event: int, deadline: float) -> None:
    """Wait until the pipe is ready. Raises TimeoutError at the deadline."""
    poll = select.poll()
    poll.register(fd, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError
