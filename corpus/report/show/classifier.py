"""The classifier: the paper's table 6, recall at fixed false-positive rates, the worst sites, the scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.report.figures import histograms
from corpus.report.grids import Grid, grid
from corpus.report.markup import count, decimal
from corpus.report.parts import Figure, Section, empty

Stats = dict[str, Any]
_TABLE6 = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "macro_recall": "Macro recall",
    "auc": "AUC",
}


def section(stats: Stats) -> Section:
    found = stats["classifier"]
    if not found:
        return empty("classifier", "Classifier", "classifier")
    givers = ", ".join(row["given_by"] for row in found["given_by"])
    said = find(found["metrics"], "labels")
    lead = (
        f"Measured on {count(found['pages'])} pages of {count(found['sites'])} sites, each scored by a model "
        f"that never saw its site. Labels were given by: {givers or 'nobody'}{f' ({said})' if said else ''}."
    )
    metrics = found["metrics"]
    tables = [table for table in (_table6(metrics), _recalls(metrics), _sites(metrics)) if table]
    figure = _scores(found)
    return Section("classifier", "Classifier", lead, (figure,) if figure else (), tables)


def find(metrics: Mapping[str, Any], key: str) -> Any:
    """The value under `key`, outermost level first, as metrics files may group their numbers; else None."""
    if key in metrics:
        return metrics[key]
    inner = (find(part, key) for _, part in sorted(metrics.items()) if isinstance(part, Mapping))
    return next((value for value in inner if value is not None), None)


def scalar(metrics: Mapping[str, Any], key: str) -> float | None:
    """`find` for numbers."""
    value = find(metrics, key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _table6(metrics: Mapping[str, Any]) -> Grid | None:
    row = {key: scalar(metrics, key) for key in _TABLE6}
    there = {key: (name, "decimal") for key, name in _TABLE6.items() if row[key] is not None}
    return grid("classifier", "Quality on pages of held-out sites", there, [row]) if there else None


def _recalls(metrics: Mapping[str, Any]) -> Grid | None:
    """`recall_at_fpr` maps false-positive rates, as text, to recalls."""
    given = find(metrics, "recall_at_fpr") or {}
    rows = [{"fpr": float(rate), "recall": recall} for rate, recall in given.items()]
    rows.sort(key=lambda row: row["fpr"])
    columns = {"fpr": ("False-positive rate", "percent"), "recall": ("Recall", "decimal")}
    return grid("recall_at_fpr", "Recall at fixed false-positive rates", columns, rows) if rows else None


def _sites(metrics: Mapping[str, Any]) -> Grid | None:
    rows = find(metrics, "worst_sites") or []
    columns = {
        "site": ("Site", "foreign"),
        "label": ("Label", "text"),
        "pages": ("Pages", "count"),
        "right": ("Right answers", "percent"),
    }
    return grid("worst_sites", "Sites on which the classifier is weakest", columns, rows) if rows else None


def _scores(found: Stats) -> Figure | None:
    rows, labels = found["scores"], [row["label"] for row in found["labels"]]
    if not labels:
        return None
    labels = sorted(labels)
    edges = [f"score {row['from']:.3f} to {row['below']:.3f}" for row in rows]
    threshold = scalar(found["metrics"], "threshold")
    line = f" The threshold is {decimal(threshold)}." if threshold is not None else ""
    answer = f"A good classifier piles agent pages up at the right and general pages at the left.{line}"
    groups = {label: [row.get(label, 0) for row in rows] for label in labels}
    svg = histograms(
        groups, edges, (0, 1), f"Scores by label. {answer}", x="probability of being an agent page", y="pages"
    )
    columns = {"from": ("From", "decimal"), "below": ("Below", "decimal")} | {
        label: (label, "count") for label in labels
    }
    return Figure(
        "score",
        "Does the score part wanted pages from others?",
        answer,
        svg,
        grid("scores", "Pages by score and label", columns, rows),
    )
