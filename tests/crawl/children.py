"""What the tests have a sandbox's child do."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from corpus.crawl.child import Work
from corpus.crawl.light import light_text


class WordScorer:
    """Wants pages that speak of an api."""

    def score(self, texts: list[str], urls: list[str]) -> list[float]:
        return [0.9 if "api" in text else 0.1 for text in texts]


class TwoMinds:
    """Sees half a reason to keep a light text, and none for a text with code in fences."""

    def score(self, texts: list[str], urls: list[str]) -> list[float]:
        return [0.2 if "```" in text else 0.3 for text in texts]


def poisoned(folder: str) -> Callable[[Sequence[str]], list[float]]:
    """Scores of lines that want every page, until one holds the poison: then the worker itself is gone."""

    def scores(lines: Sequence[str]) -> list[float]:
        if any("poison" in line for line in lines):
            os.kill(os.getpid(), signal.SIGKILL)
        return [1.0] * len(lines)

    return scores


def light(setup: dict[str, Any]) -> Work:
    """The light text of the page's bytes, taken for UTF-8."""

    def work(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        return {**setup, **fields}, light_text(body.decode("utf-8")).encode()

    return work


def moody(setup: dict[str, Any]) -> Work:
    """Does what the body says: die, raise, talk on stdout, or answer with the body."""

    def work(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        if body == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        if body == b"raise":
            raise KeyError("no such thing")
        if body == b"talk":
            print("a library that prints", flush=True)
            sys.stdout.write("more\n")
        return fields, body

    return work


def broken(setup: dict[str, Any]) -> Work:
    raise LookupError("nothing to set up")
