"""Promises about the pages that seeds are held against, and about labels that come to the driver."""

import numpy as np
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.match.config import MatchConfig
from corpus.match.evaluation.stage import (
    default_weights,
    fit_labels,
    general_pages,
    labels_inputs,
    labels_of,
    wanted_margins,
)
from corpus.match.select.background import LEAST_GENERAL
from corpus.match.select.combine import NAMES, PACKAGED
from tests.match.vectors import around, unit

pytestmark = pytest.mark.spark
PLACES = {"seeds": "s", "input": "i", "output": "o"}


def config(**more: object) -> MatchConfig:
    return build(MatchConfig, {**PLACES, **more})


@pytest.fixture(scope="module")
def scored(spark) -> DataFrame:
    """600 pages: those with a low score lie around one direction, the others around another."""
    random = np.random.default_rng(1)
    directions = np.eye(8)[:2]
    rows = []
    for n in range(600):
        low = n % 2 == 0
        vector = around(directions[0 if low else 1], 1, 0.2, random)[0].astype(np.float16)
        rows.append((f"p{n:03}", bytearray(vector.tobytes()), 0.1 if low else 0.9, n % 3 % 2))
    rows.append(("none", None, 0.0, 0))
    return spark.createDataFrame(rows, "id string, vector binary, agent_score float, side int")


def test_seeds_are_held_against_pages_with_low_scores_the_same_for_all_partitions(scored):
    seeds = unit(np.eye(8)[:2]).astype(np.float16)
    found = [general_pages(scored.repartition(parts), seeds, 2 * LEAST_GENERAL + 60) for parts in (1, 5)]
    assert (found[0].background == found[1].background).all()
    assert (found[0].vectors == found[1].vectors).all()
    assert len(found[0].vectors) == 2 * LEAST_GENERAL + 60 and (found[0].vectors[:, 0] > 0.8).all()
    assert (found[0].background[:, 0] > 0.9).all() and (found[0].background[:, 1] < 0.5).all()


def test_no_general_pages_leave_similarities_as_they_are(scored):
    seeds = unit(np.eye(8)[:2]).astype(np.float16)
    unscored = scored.withColumn("agent_score", F.lit(None).cast("float"))
    for pages, most in ((scored, 0), (scored.where("false"), 50), (unscored, 2000)):
        found = general_pages(pages, seeds, most)
        assert not found.background.any() and len(found.vectors) == 0


@pytest.fixture(scope="module")
def labelled(spark, tmp_path_factory) -> tuple[DataFrame, str]:
    """Rows of 8 sites, 30 pages each, every other site wanted; and the file that says so."""
    random = np.random.default_rng(3)
    rows, lines = [], ["url,label,verdict"]
    for site in range(8):
        for page in range(30):
            url, wanted = f"https://s{site}.example/{page}", site % 2 == 0
            lines.append(f"{url},{'positive' if wanted else 'negative'},{'yes' if wanted else 'no'}")
            told = ((1.0 if wanted else -1.0) + random.standard_normal(len(NAMES))).round(4)
            rows.append((url, url, f"s{site}.example", 0.5, "doc", float(told[-1]), 1.0, *map(float, told)))
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    path.write_text("\n".join(lines))
    columns = "id string, url string, host string, match_score double, match_kind string, match_margin double, coarse_score double"
    return spark.createDataFrame(rows, columns + "".join(f", {name} double" for name in NAMES)), str(path)


def test_labels_give_weights_a_threshold_and_figures_whatever_the_partitions(labelled):
    rows, path = labelled
    asked = config(labels=[path])
    labels = labels_of(asked)
    assert labels is not None
    found = [fit_labels(rows.repartition(parts), labels, asked) for parts in (1, 4)]
    assert found[0] is not None and found[1] is not None
    assert found[0].weights == found[1].weights and found[0].threshold == found[1].threshold
    assert found[0].facts["pages"] == 240 and found[0].weights.host == asked.host_weight
    kinds, margins = wanted_margins(rows, labels)
    assert kinds == ["doc"] * 120 and margins.mean() > 0.5


def test_too_few_labels_to_leave_sites_out_fit_nothing(labelled):
    rows, path = labelled
    labels = labels_of(config(labels=[path]))
    assert labels is not None
    assert fit_labels(rows.where("host = 's0.example'"), labels, config(labels=[path])) is None


def test_weights_are_those_given_else_those_for_the_packaged_encoder():
    assert default_weights(config(), []) == PACKAGED
    assert default_weights(config(weights={"margin": 2.0}), []).values == {"margin": 2.0}
    assert "second" not in default_weights(config(), ["second"]).values


def test_a_classifier_without_labels_is_one_sentence():
    with pytest.raises(UserError, match="give labels="):
        labels_inputs(config(classifier="folder"))
