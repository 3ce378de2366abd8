"""A child process that works on pages and may be killed: no page can stop a job.

Timers inside a process do not fire while C code runs, and a worker that dies is started again on the same
page until the job fails. So pages are parsed in a child with limits of time and memory; when it hangs,
crashes or runs out of memory, that page gets a reason and a fresh child takes the next one. Pages go over in
batches, so that a page costs no round trip of its own.
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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from corpus.crawl.child import CRASH, HEAD, MEMORY

TIMEOUT = "timeout"
_START_SECONDS = 120.0  # a fresh child imports its libraries on a busy machine
_PIPE_BYTES = 1 << 20
_ANSWER_CAP = 256 << 20
_MEMORY_WORDS = (b"memory allocation", b"MemoryError", b"bad_alloc", b"out of memory", b"Cannot allocate")
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)

Request = tuple[dict[str, Any], bytes]  # fields and bytes of one page


@dataclass(frozen=True)
class Answer:
    """What the child made of a page. `reason` is not empty if it made nothing: timeout, crash, memory."""

    fields: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    reason: str = ""


class Sandbox:
    """One child and its replacements. Not for use by several threads.

    `job` names what the child does (`module:function`, see `child`), `setup` is handed to it as JSON.
    """

    def __init__(
        self,
        job: str,
        setup: Mapping[str, Any] | None = None,
        *,
        seconds: float = 20.0,
        memory_mb: int = 1024,
        recycle_after: int = 20_000,
    ) -> None:
        self.job, self.setup = job, dict(setup or {})
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

    def peak_mb(self) -> int:
        """The largest resident set that the child of now has had; 0 where that cannot be told."""
        try:
            with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
                return next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            return 0

    def call(self, fields: dict[str, Any], body: bytes) -> Answer:
        """Have the child work on one page."""
        return self.map([(fields, body)])[0]

    def map(self, requests: Sequence[Request]) -> list[Answer]:
        """Have the child work on pages: one answer for each, in order, whatever happens to the child."""
        answers: list[Answer] = []
        while len(answers) < len(requests):
            if self._child is None or self._served >= self.recycle_after:
                self.start()
            left = requests[len(answers) : len(answers) + self.recycle_after - self._served]
            try:
                for answer in self._exchange(left):
                    self._served += 1
                    answers.append(answer)
                    if answer.reason == MEMORY:  # what is left of its heap is not to be trusted any more
                        self.close()
                        break
            except TimeoutError:
                self.close()
                answers.append(Answer(reason=TIMEOUT))
            except (OSError, EOFError, ValueError):
                answers.append(Answer(reason=self._post_mortem()))
        return answers

    def start(self) -> None:
        """A fresh child in place of the one that is there. RuntimeError if it cannot even be set up."""
        self.close()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p or os.getcwd() for p in sys.path))
        command = ["-m", "corpus.crawl.child", str(self.memory_mb), str(os.getpid()), self.job]
        self._child = subprocess.Popen(
            [sys.executable, *command],
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
        try:
            next(self._exchange([(self.setup, b"")], _START_SECONDS))
        except (TimeoutError, OSError, EOFError, ValueError, StopIteration) as error:
            said = self._last_words()
            self.close()
            raise RuntimeError(
                f"the process that parses pages did not start: {said.decode(errors='replace')}"
            ) from error

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

    def _exchange(self, requests: Sequence[Request], seconds: float = 0.0) -> Iterator[Answer]:
        """Send requests while answers come in. Each answer must come within `seconds` of the one before."""
        assert self._child and self._child.stdin and self._child.stdout
        out, into = self._child.stdin.fileno(), self._child.stdout.fileno()
        limit = seconds or self.seconds
        waiting = _frames(requests)
        rest = memoryview(b"")
        inbox = bytearray()
        poll = select.poll()
        poll.register(into, select.POLLIN)
        poll.register(out, select.POLLOUT)
        left, deadline = len(requests), time.monotonic() + limit
        while left:
            ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
            if into in ready:
                _fill(into, inbox)
                while left and (answer := _take(inbox)):
                    left -= 1
                    deadline = time.monotonic() + limit
                    yield answer
            elif time.monotonic() >= deadline:
                raise TimeoutError
            if out in ready and left:
                try:
                    rest = rest[os.write(out, rest) :] if rest else next(waiting, memoryview(b""))
                except BrokenPipeError:  # it died; what it answered before may still be read
                    rest = memoryview(b"")
                    waiting = iter(())
                if not rest:
                    rest = next(waiting, memoryview(b""))
                    if not rest:
                        poll.unregister(out)

    def _post_mortem(self) -> str:
        """Why the child died, told by what it said last; then it is cleared away."""
        said = self._last_words()
        self.close()
        return MEMORY if any(words in said for words in _MEMORY_WORDS) else CRASH

    def _last_words(self) -> bytes:
        if self._child is None:
            return b""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=1)
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 4096))
        said: bytes = self._stderr.read()
        return said


def _frames(requests: Sequence[Request]) -> Iterator[memoryview]:
    """What goes over the pipe. Small pages are joined, large ones are not copied."""
    parts: list[bytes] = []
    size = 0
    for fields, body in requests:
        data = json.dumps(fields).encode("ascii")
        parts += (HEAD.pack(len(data), len(body)), data)
        if len(body) > _PIPE_BYTES:
            yield memoryview(b"".join(parts))
            yield memoryview(body)
            parts, size = [], 0
            continue
        parts.append(body)
        size += len(body)
        if size >= _PIPE_BYTES:
            yield memoryview(b"".join(parts))
            parts, size = [], 0
    if parts:
        yield memoryview(b"".join(parts))


def _fill(fd: int, inbox: bytearray) -> None:
    part = os.read(fd, _PIPE_BYTES)
    if not part:
        raise EOFError
    inbox += part


def _take(inbox: bytearray) -> Answer | None:
    """The first answer, if all of it is there. ValueError for what no child of ours would say."""
    if len(inbox) < HEAD.size:
        return None
    size, body = HEAD.unpack_from(inbox)
    if size + body > _ANSWER_CAP:
        raise ValueError("answer too large")
    end = HEAD.size + size + body
    if len(inbox) < end:
        return None
    fields = json.loads(inbox[HEAD.size : HEAD.size + size])
    text = inbox[HEAD.size + size : end].decode("utf-8")
    del inbox[:end]
    reason = fields.pop("reason", "") if set(fields) <= {"reason"} else ""
    return Answer(fields, text, str(reason))
