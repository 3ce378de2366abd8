"""The extractors that are held against the truth: HTML and URL in, text out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import trafilatura
from resiliparse.extract.html2text import extract_plain_text
from trafilatura.meta import reset_caches

from corpus.crawl.html import full_extract


class Extractor(Protocol):
    """`cpu` is the seconds that the last call took where another process did the work, else None."""

    def start_site(self) -> None: ...

    def __call__(self, html: str, url: str) -> tuple[str, float | None]: ...


@dataclass(frozen=True)
class Function:
    work: Callable[[str, str], str | None]

    def start_site(self) -> None:
        """trafilatura remembers what it has seen: begin each site without memory, whatever the order of sites."""
        reset_caches()

    def __call__(self, html: str, url: str) -> tuple[str, float | None]:
        return self.work(html, url) or "", None


class Datatrove:
    """datatrove's own Trafilatura step with its defaults, in the interpreter where it is installed."""

    _CHILD = """
import json, sys, time
from datatrove.pipeline.extractors import Trafilatura
from trafilatura.meta import reset_caches
step = Trafilatura()
for line in sys.stdin:
    message = json.loads(line)
    if message is None:
        reset_caches()
        continue
    start = time.process_time()
    try:
        text = step.extract(message) or ""
    except Exception:
        text = ""
    print(json.dumps([text, time.process_time() - start]), flush=True)
"""

    def __init__(self, python: str) -> None:
        self._python = python
        self._process: subprocess.Popen[str] | None = None

    def start_site(self) -> None:
        self._tell(None)

    def __call__(self, html: str, url: str) -> tuple[str, float | None]:
        process = self._tell(html)
        assert process.stdout is not None
        text, cpu = json.loads(process.stdout.readline())
        return text, cpu

    def _tell(self, message: str | None) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [self._python, "-c", self._CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        return self._process


def _trafilatura(html: str, url: str) -> str | None:
    return trafilatura.extract(html)


def _recall(html: str, url: str) -> str | None:
    return trafilatura.extract(html, favor_recall=True)


def _datatrove_settings(html: str, url: str) -> str | None:
    return trafilatura.extract(html, favor_precision=True, include_comments=False, deduplicate=True)


def _resiliparse(html: str, url: str) -> str:
    return str(extract_plain_text(html, preserve_formatting=True, main_content=True, alt_texts=False))


def _ours(html: str, url: str) -> str:
    return full_extract(html, url).text


EXTRACTORS: dict[str, Callable[[str, str], str | None]] = {
    "trafilatura": _trafilatura,
    "trafilatura-recall": _recall,
    "resiliparse": _resiliparse,
    "datatrove": _datatrove_settings,
    "ours": _ours,
}


def make(name: str, datatrove_python: str = "") -> Extractor:
    """An extractor by its name. Without an interpreter, `datatrove` is trafilatura with that step's settings."""
    if name == "datatrove" and datatrove_python:
        return Datatrove(datatrove_python)
    return Function(EXTRACTORS[name])
