"""Scores by the benchmarks' own packages, each in an interpreter of its own."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from corpus.engine.config import option
from corpus.engine.errors import UserError

PEERS = Path(__file__).with_name("peers")
_WAIT = 0.05  # seconds that a batch waits for further requests
_LAST_WORDS = 2000

Answer = Callable[[Sequence[list[dict[str, str]]]], list[str]]  # conversations -> what the assistant says


@dataclass(frozen=True, kw_only=True)
class LeaderboardConfig:
    """The Berkeley Function Calling Leaderboard by bfcl-eval."""

    python: str | None = option("interpreter that has bfcl-eval; none: not run", None, volatile=True)
    categories: tuple[str, ...] = option(
        "categories by the leaderboard's names",
        ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance"),
    )
    limit: int = option("items per category; 0 takes all", 0, least=0)
    batch: int = option("conversations that are completed together", 8, least=1, volatile=True)
    most_tokens: int = option("tokens of one completion", 256, least=1)


@dataclass(frozen=True, kw_only=True)
class HarnessConfig:
    """Tasks of lm-evaluation-harness."""

    python: str | None = option("interpreter that has lm-eval; none: not run", None, volatile=True)
    tasks: tuple[str, ...] = option("tasks by name", ())
    folder: str | None = option(
        "folder with task files of one's own; stock tasks fetch their data from the hub", None
    )
    batch: int = option("requests of one forward pass", 8, least=1, volatile=True)


def leaderboard(config: LeaderboardConfig, answer: Answer) -> dict[str, dict[str, float]]:
    """{category: {accuracy, items}}. Raises UserError with the package's last words if it fails."""
    assert config.python
    with tempfile.TemporaryDirectory(prefix="bfcl-") as scratch:
        scores = Path(scratch) / "scores.json"
        words = [config.python, str(PEERS / "bfcl_peer.py"), "subject", str(config.batch)]
        words += [str(config.limit), str(scores), *config.categories]
        with open(Path(scratch) / "errors", "w+", encoding="utf-8") as errors:
            peer = _start(words, {"BFCL_PROJECT_ROOT": scratch}, errors)
            assert peer.stdin and peer.stdout
            try:
                with suppress(BrokenPipeError):  # it has died, and its last words say why
                    _serve(peer.stdin, peer.stdout, answer, config.batch)
            except BaseException:
                peer.kill()  # it may be waiting for answers that do not come
                raise
            finally:
                with suppress(BrokenPipeError):
                    peer.stdin.close()
                peer.wait()
            return _result(peer.returncode, scores, errors, config.python, "bfcl-eval")


def harness(config: HarnessConfig, model: Path, device: str, precision: str) -> dict[str, dict[str, float]]:
    """{task: {metric: value}}. Raises UserError with the library's last words if it fails."""
    assert config.python
    with tempfile.TemporaryDirectory(prefix="lm-eval-") as scratch:
        scores = Path(scratch) / "scores.json"
        dtype = {"fp32": "float32", "bf16": "bfloat16"}[precision]
        words = [config.python, str(PEERS / "lm_eval_peer.py"), str(model), str(scores), config.folder or ""]
        with open(Path(scratch) / "errors", "w+", encoding="utf-8") as errors:
            peer = _start([*words, dtype, device, str(config.batch), *config.tasks], {}, errors)
            assert peer.stdin and peer.stdout
            peer.stdin.close()
            for _ in peer.stdout:  # its tables; ours are made from the scores
                pass
            peer.wait()
            return _result(peer.returncode, scores, errors, config.python, "lm-eval")


def _start(words: list[str], environment: dict[str, str], errors: IO[str]) -> subprocess.Popen[str]:
    hidden = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    try:
        return subprocess.Popen(
            words,
            env={**hidden, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    except OSError as error:
        raise UserError(
            f"cannot start {words[0]}: {error.strerror}; give an interpreter that has the package."
        ) from error


def _serve(requests: IO[str], asked: IO[str], answer: Answer, batch: int) -> None:
    """Answer what the peer asks, as many requests together as are waiting.

    Raises UserError where it writes what is no request.
    """
    waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
    faults: list[str] = []

    def read() -> None:
        try:
            for line in asked:
                request = json.loads(line)
                waiting.put({"id": request["id"], "messages": request["messages"]})
        except (ValueError, TypeError, KeyError) as error:
            faults.append(f"{type(error).__name__}: {error}")
        finally:  # whatever happened, nobody waits for this thread
            waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (first := waiting.get()) is not None:
        together = [first]
        while len(together) < batch:
            try:
                more = waiting.get(timeout=_WAIT)
            except queue.Empty:
                break
            if more is None:
                waiting.put(None)
                break
            together.append(more)
        said = answer([request["messages"] for request in together])
        for request, text in zip(together, said):
            requests.write(json.dumps({"id": request["id"], "text": text}) + "\n")
        requests.flush()
    if faults:
        raise UserError(f"the benchmark's package wrote what is no request ({faults[0]}); see its version.")


def _result(
    code: int, scores: Path, errors: IO[str], python: str, package: str
) -> dict[str, dict[str, float]]:
    if code == 0 and scores.is_file():
        return dict(json.loads(scores.read_text(encoding="utf-8")))
    errors.seek(0)
    last = errors.read()[-_LAST_WORDS:].strip()
    raise UserError(f"{package} in {python} ended with code {code}; its last words:\n{last}")
