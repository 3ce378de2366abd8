"""The coarse pass through Spark: few pages encoded, the same scores for those, and a loss within its bound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus.engine.errors import UserError
from corpus.engine.stage import Stage
from corpus.engine.tables import EMBEDDINGS, LEDGER
from corpus.match.index.stage import build_index
from corpus.match.score.stage import score
from tests.match.conftest import WORDS
from tests.match.score.test_stage import by_id, config_of, frame

pytestmark = [pytest.mark.spark, pytest.mark.slow]
COUNT = 2200
TOOLS, FOOD = WORDS[: len(WORDS) // 2], WORDS[len(WORDS) // 2 :]


def text_of(rng: np.random.Generator, share: float) -> str:
    """A text whose words come from one half of the vocabulary with the chance `share`."""
    words = [rng.choice(TOOLS) if rng.random() < share else rng.choice(FOOD) for _ in range(14)]
    return " ".join(words)


@pytest.fixture(scope="module")
def run(spark: Any, tiny_encoder: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    rng = np.random.default_rng(1)
    pages = frame(
        spark,
        [
            {"id": f"{n:05}", "url": f"https://a.example/{n}", "text": text_of(rng, float(rng.beta(0.6, 2)))}
            for n in range(COUNT)
        ],
    )
    seeds = frame(
        spark,
        [
            {"id": f"s{n}", "source": f"of-{n % 3}", "kind": "doc", "title": None, "text": text_of(rng, 0.95)}
            for n in range(30)
        ],
    )

    def made(pages: Any = pages, **keys: Any) -> Any:
        folder = tmp_path_factory.mktemp("coarse") / "out"
        config = config_of(folder, encoder=tiny_encoder, coarse_selects=0.1, **keys)
        stage = Stage.open("match", config, [])
        built = build_index(seeds, config, stage, 1)
        return built, score(pages, config, stage, 1), stage

    made.pages = pages  # type: ignore[attr-defined]
    return made


@pytest.fixture(scope="module")
def full(run: Any) -> Any:
    return run(coarse_sample=0)


def test_few_pages_are_encoded_and_hardly_a_selected_one_is_lost(run: Any, full: Any) -> None:
    _, scores, _ = run(coarse_sample=3000, coarse_loss=0.1)
    every, found = by_id(full[1].rows), by_id(scores.rows)
    facts = scores.facts["coarse"]
    encoded = {name for name, row in found.items() if row["shortlisted"]}
    assert set(found) == set(every) and len(encoded) == facts["encoded"]
    assert facts["sample"] == pytest.approx(COUNT / 10, rel=0.3)
    assert len(encoded) < 0.7 * COUNT and facts["loss"] <= 0.1
    for name in encoded:
        assert found[name]["nearest"] == every[name]["nearest"] and found[name]["coarse_score"] is not None
    for name in set(found) - encoded:
        assert found[name]["nearest"] is None and found[name]["coarse_score"] < facts["least_score"] + 1e-3
    fair = by_id(scores.fair)
    assert len(fair) == facts["sample"] and set(fair) <= encoded
    assert full[1].fair.count() == COUNT
    best = sorted(every, key=lambda name: -every[name]["nearest"][0]["score"])[: COUNT // 10]
    assert len(set(best) - encoded) <= 0.2 * len(best)


def test_too_few_pages_are_all_encoded(run: Any) -> None:
    _, scores, _ = run(run.pages.where("id < '00040'"))
    assert scores.rows.where("shortlisted").count() == 40
    assert scores.facts == {"coarse": {"encoded_all": "40 pages are too few"}}


def test_stored_embeddings_are_taken_for_the_same_text_alone(
    run: Any, full: Any, spark: Any, tmp_path: Path
) -> None:
    few = run.pages.where("id < '00040'")
    first = tmp_path / "first"
    store(spark, first, full[0], full[1], few)
    changed = few.selectExpr(
        "id", "url", "if(id < '00010', concat(text, ' bread'), text) as text",
        "if(id >= '00035', 'weather forecast', null) as title",
    )  # fmt: skip
    _, again, _ = run(changed, embeddings=[str(first)])
    assert again.facts["embeddings_taken"] == 25
    before, after = by_id(full[1].rows), by_id(again.rows)
    assert len(after) == 40
    same = [name for name in after if after[name]["nearest"] == before[name]["nearest"]]
    assert set(same) >= {f"{n:05}" for n in range(10, 35)} and len(same) < 40
    with pytest.raises(UserError, match="another encoder"):
        run(few, embeddings=[str(first)], max_chunks=2)


def store(spark: Any, folder: Path, built: Any, scores: Any, pages: Any) -> None:
    """A finished run with the embeddings of `pages`, as the job leaves it."""
    stage = Stage.open("match", config_of(folder), [])
    stage.write(scores.embeddings.join(pages.select("id"), "id"), EMBEDDINGS)
    rows = pages.selectExpr(
        "id", "url", "'match' stage", "'kept' outcome", "'' reason", "cast(null as float) agent_score",
        "cast(null as string) warc", "cast(null as bigint) offset",
    )  # fmt: skip
    count = stage.write(rows, LEDGER)
    stage.finish(spark, records_in=count, kept_rows=count, facts=built.facts)
