"""The embedded data where the road has been given no input, and the score against the planted truth."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.dataset as pads

from corpus.demo.crawl import write_crawl
from corpus.demo.general import write_code, write_text
from corpus.demo.score import format_score, score
from corpus.demo.seeds import write_seeds
from corpus.demo.truth import read_truth
from corpus.engine.errors import UserError

TRUTH = "truth.parquet"
_WRITERS: dict[str, Callable[[Path], object]] = {
    "crawl": write_crawl,
    "seeds": write_seeds,
    "code": write_code,
    "text": write_text,
}


def embedded(part: str, workspace: str) -> str:
    """The folder of one embedded part (crawl, seeds, code, text) in the workspace, written if not there."""
    if "://" in workspace:
        raise UserError(
            f"the embedded {part} is written to a local folder only; give {part}= or a local output=."
        )
    folder = Path(workspace) / "embedded" / part
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="_tmp-") as scratch:
            fresh = Path(scratch) / part
            fresh.mkdir()
            _WRITERS[part](fresh)
            shutil.move(fresh, folder)
    return str(folder)


def score_against_truth(crawl: str, pages: str, unique: str, matched: str) -> str:
    """Recall and precision stage by stage, and what deduplication did to planted pairs, as a short table."""
    ledger = pads.dataset(f"{pages}/ledger").to_table(columns=["url", "outcome"])
    survivors, near_seeds = (
        pads.dataset(f"{folder}/pages").to_table(columns=["url"])["url"].to_pylist()
        for folder in (unique, matched)
    )
    outcomes = dict(zip(ledger["url"].to_pylist(), ledger["outcome"].to_pylist()))
    return format_score(score(outcomes, survivors, read_truth(Path(crawl) / TRUTH), near_seeds))
