"""The classifier's section shows every scorer that was measured, and of an older metrics file what it has."""

from __future__ import annotations

from typing import Any

from corpus.report.show.classifier import section


def figures(recall: float) -> dict[str, Any]:
    return {
        "accuracy": 0.9,
        "precision": 0.8,
        "recall": recall,
        "f1": 0.85,
        "auc": 0.97,
        "precision_at_prevalence": {"prevalence": 0.01, "precision": 0.4},
        "recall_at_fpr": {"0.01": recall, "0.001": recall / 2},
        "recall_intervals": {"0.01": [recall - 0.1, recall + 0.1]},
        "calibration": {
            "bins": [{"from": 0.1, "pages": 7, "said": 0.15, "wanted": 0.2}],
            "expected_error": 0.05,
        },
        "by_language": [
            {"name": "fr<b>", "pages": 12, "agent_pages": 4, "recall": recall, "false_positive_rate": None}
        ],
        "worst_sites": [{"site": "w.example", "label": "agent", "pages": 30, "right": 0.4}],
    }


def stats(metrics: dict[str, Any]) -> dict[str, Any]:
    scores = [{"from": 0.0, "below": 0.5, "agent": 3}, {"from": 0.5, "below": 1.0, "agent": 9}]
    found = {
        "metrics": metrics,
        "pages": 12,
        "sites": 3,
        "scores": scores,
        "labels": [{"label": "agent", "pages": 12}],
    }
    return {
        "classifier": {**found, "given_by": [{"given_by": "file:read.csv", "pages": 12}], "largest_sites": []}
    }


def test_each_scorer_has_its_row_its_recall_and_its_curve() -> None:
    scorers = {"fasttext": figures(0.6), "second": figures(0.7), "both": figures(0.8)}
    targets = [["labels by site", "0.69", "0.85", "0.80"]]
    shown = section(
        stats({"scorers": scorers, "held_out": scorers["both"], "targets": targets, "threshold": 0.4})
    )
    tables = {table.name: table for table in shown.tables}
    assert [row["scorer"] for row in tables["classifier"].rows] == ["fastText", "Second scorer", "Both"]
    recalls = {(row["fpr"], row["scorer"]): row for row in shown.figures[0].table.rows}
    assert sorted({rate for rate, _ in recalls}) == [0.001, 0.01]
    assert recalls[0.01, "Both"]["recall"] == 0.8
    assert (recalls[0.01, "fastText"]["low"], recalls[0.001, "fastText"]["low"]) == (0.5, None)
    assert tables["targets"].rows[0]["target"] == "0.85" and tables["by_language"].rows[0]["recall"] == 0.8
    assert [figure.name for figure in shown.figures] == ["recall", "score", "calibration"]
    assert len(shown.figures[2].table.rows) == 3


def test_a_classifier_without_labels_shows_what_it_has() -> None:
    shown = section(stats({"held_out": {"accuracy": 0.9, "recall_at_fpr": {"0.01": 0.5}}, "threshold": 0.4}))
    assert [table.name for table in shown.tables] == ["classifier"]
    assert [figure.name for figure in shown.figures] == ["recall", "score"]
