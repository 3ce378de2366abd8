"""The embedded data where the road has been given no input, and the score against the planted truth."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.dataset as pads

from corpus.demo.benchmarks import write_benchmarks
from corpus.demo.crawl import write_crawl
from corpus.demo.general import write_code, write_text
from corpus.demo.score import format_score, score
from corpus.demo.seeds import write_seeds
from corpus.demo.truth import read_truth
from corpus.engine.errors import UserError
from corpus.engine.tables import CLEAN_PAGES, INT

TRUTH = "truth.parquet"
_WRITERS: dict[str, Callable[[Path], object]] = {
    "crawl": write_crawl,
    "seeds": write_seeds,
    "code": write_code,
    "text": write_text,
    "benchmarks": write_benchmarks,
}


def embedded(part: str, workspace: str) -> str:
    """The folder of one embedded part (a key of _WRITERS) in the workspace, written if not there."""
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


def score_against_truth(crawl: str, pages: str, unique: str, clean: str, matched: str) -> str:
    """Recall and precision stage by stage, and what deduplication did to planted pairs, as a short table."""
    ledger = pads.dataset(f"{pages}/ledger").to_table(columns=["url", "outcome"])
    survivors, near_seeds = (
        pads.dataset(f"{folder}/pages").to_table(columns=["url"])["url"].to_pylist()
        for folder in (unique, matched)
    )
    outcomes = dict(zip(ledger["url"].to_pylist(), ledger["outcome"].to_pylist()))
    truth = read_truth(Path(crawl) / TRUTH)
    scores = score(outcomes, survivors, truth, near_seeds, replaced_by_url(clean))
    return format_score(scores)


def replaced_by_url(clean: str) -> dict[str, dict[str, int]]:
    """For each page that hygiene kept, by URL: what was replaced in its text, by column."""
    numbers = [column.name for column in CLEAN_PAGES.columns if column.type == INT]
    columns = [name for name in numbers if name != "contamination"]
    rows = pads.dataset(f"{clean}/pages").to_table(columns=["url", *columns]).to_pylist()
    return {row["url"]: {name: row[name] for name in columns if row[name]} for row in rows}
