"""The classifier: the paper's table 6, recall at fixed false-positive rates, the worst sites, the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.report.figures.bars import Interval, intervals
from corpus.report.figures.curves import Series, lines
from corpus.report.grids import Grid, grid
from corpus.report.markup import count, decimal, percent
from corpus.report.parts import Figure, Section, empty
from corpus.report.show.shapes import distribution

Stats = dict[str, Any]
_TABLE6 = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "false_positive_rate": "False positives",
    "macro_recall": "Macro recall",
    "auc": "AUC",
}
_SCORERS = {"fasttext": "fastText", "second": "Second scorer", "both": "Both"}


def section(stats: Stats) -> Section:
    found = stats["classifier"]
    if not found:
        return empty("classifier", "Classifier", "classifier")
    givers = ", ".join(row["given_by"] for row in found["given_by"])
    metrics = found["metrics"]
    said = metrics.get("labels")
    lead = (
        f"Measured on {count(found['pages'])} pages of {count(found['sites'])} sites, each scored by a model "
        f"that never saw its site. Labels were given by: {givers or 'nobody'}{f' ({said})' if said else ''}."
    )
    scorers = scorers_of(metrics)
    last = list(scorers.values())[-1] if scorers else {}
    tables = (
        _table6(scorers),
        _targets(metrics),
        _sites(last),
        _groups("by_language", "Languages", last),
        _groups("by_genre", "Genres of the labels", last),
        _prefixes(metrics),
    )
    figures = (_recalls(scorers), _scores(found), _calibration(scorers))
    return Section(
        "classifier",
        "Classifier",
        lead,
        tuple(figure for figure in figures if figure),
        [table for table in tables if table],
    )


def scorers_of(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Figures by the names of the scorers, the one that decides last; without labels fastText alone."""
    given = metrics.get("scorers")
    if isinstance(given, Mapping) and given:
        return {title: given[name] for name, title in _SCORERS.items() if name in given}
    held_out = metrics.get("held_out")
    return {_SCORERS["fasttext"]: held_out} if isinstance(held_out, Mapping) else {}


def _table6(scorers: Mapping[str, Mapping[str, Any]]) -> Grid | None:
    rows = [{"scorer": name, **{key: found.get(key) for key in _TABLE6}} for name, found in scorers.items()]
    for row, found in zip(rows, scorers.values()):
        row["web"] = (found.get("precision_at_prevalence") or {}).get("precision")
    names = {**_TABLE6, "web": "Precision on the web"}
    there = {key: (name, "decimal") for key, name in names.items() if any(_told(row[key]) for row in rows)}
    columns = {"scorer": ("Scorer", "text"), **there}
    caption = "Quality on pages of held-out sites, at each scorer's threshold"
    return grid("classifier", caption, columns, rows) if there else None


def _told(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _recalls(scorers: Mapping[str, Mapping[str, Any]]) -> Figure | None:
    """`recall_at_fpr` maps false-positive rates, as text, to recalls, `recall_intervals` to 95 % bounds."""
    rows: list[dict[str, Any]] = []
    for rate in sorted(
        {rate for found in scorers.values() for rate in found.get("recall_at_fpr", {})}, key=float
    ):
        for name, found in scorers.items():
            recall = found.get("recall_at_fpr", {}).get(rate)
            low, high = found.get("recall_intervals", {}).get(rate) or (None, None)
            if _told(recall):
                rows.append({"fpr": float(rate), "scorer": name, "recall": recall, "low": low, "high": high})
    if not rows:
        return None
    items = [
        Interval(
            f"{percent(row['fpr'])} false positives · {row['scorer']}",
            row["recall"],
            row["low"],
            row["high"],
            f"{row['scorer']} at {percent(row['fpr'])} false positives: {percent(row['recall'])}",
            row["scorer"],
        )
        for row in rows
    ]
    last = [row for row in rows if row["scorer"] == rows[-1]["scorer"]]
    told = ", ".join(f"{percent(row['recall'])} at {percent(row['fpr'])}" for row in last)
    bounds = " Lines are 95 % intervals." if any(row["low"] is not None for row in rows) else ""
    answer = (
        f"On the web one page in a hundred is wanted, so what counts is recall at few false positives. "
        f"{rows[-1]['scorer']}: {told}.{bounds}"
    )
    columns = {"fpr": ("False-positive rate", "percent"), "scorer": ("Scorer", "text")}
    columns |= {"recall": ("Recall", "decimal"), "low": ("95 % from", "decimal"), "high": ("to", "decimal")}
    table = grid("recall_at_fpr", "Recall at fixed false-positive rates", columns, rows)
    question = "How much of what is wanted is found at few false positives?"
    return Figure(
        "recall", question, answer, intervals(items, x="recall on held-out sites", percent=True), table
    )


def _targets(metrics: Mapping[str, Any]) -> Grid | None:
    rows = [dict(zip(("what", "first", "target", "measured"), row)) for row in metrics.get("targets") or ()]
    columns = {
        "what": ("On sites held out from training", "text"),
        "first": ("First trial", "text"),
        "target": ("To reach", "text"),
        "measured": ("Measured", "foreign"),
    }
    return grid("targets", "Targets of the classifier", columns, rows) if rows else None


def _sites(found: Mapping[str, Any]) -> Grid | None:
    rows = found.get("worst_sites") or []
    columns = {
        "site": ("Site", "foreign"),
        "label": ("Label", "text"),
        "pages": ("Pages", "count"),
        "right": ("Right answers", "percent"),
    }
    return grid("worst_sites", "Sites on which the classifier is weakest", columns, rows) if rows else None


def _groups(key: str, caption: str, found: Mapping[str, Any]) -> Grid | None:
    rows = found.get(key) or []
    columns = {
        "name": (caption, "foreign"),
        "pages": ("Pages", "count"),
        "agent_pages": ("Wanted", "count"),
        "recall": ("Recall", "decimal"),
        "false_positive_rate": ("False positives", "decimal"),
    }
    return grid(key, caption, columns, rows) if rows else None


def _prefixes(metrics: Mapping[str, Any]) -> Grid | None:
    rows = metrics.get("prefixes") or []
    columns = {"prefix": ("Prefix", "foreign"), "pages": ("Pages", "count"), "kept": ("Kept", "percent")}
    return grid("prefixes", "Pages under vetted prefixes", columns, rows) if rows else None


def _calibration(scorers: Mapping[str, Mapping[str, Any]]) -> Figure | None:
    """Said chance against the share that is wanted, by scorer; a calibrated one lies on the diagonal."""
    curves = {
        name: found["calibration"]
        for name, found in scorers.items()
        if found.get("calibration", {}).get("bins")
    }
    if not curves:
        return None
    series = [Series("as said", ((0.0, 0.0), (1.0, 1.0)))]
    rows: list[dict[str, Any]] = []
    for name, curve in curves.items():
        series.append(Series(name, _points(curve["bins"])))
        rows += [{"scorer": name, **row} for row in curve["bins"]]
    errors = ", ".join(f"{name} {curve['expected_error']:.3f}" for name, curve in curves.items())
    answer = (
        f"Of the pages that a scorer gives a chance, that share should be wanted. Mean distance: {errors}."
    )
    chart = lines(series, x="chance that is said", y="share that is wanted", zero=True)
    columns = {
        "scorer": ("Scorer", "text"),
        "said": ("Chance said", "decimal"),
        "wanted": ("Wanted", "decimal"),
        "pages": ("Pages", "count"),
    }
    table = grid("calibration", "Said chance and share of wanted pages", columns, rows)
    return Figure("calibration", "Are the chances what they say?", answer, chart, table)


def _points(bins: Sequence[Mapping[str, Any]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(row["said"]), float(row["wanted"])) for row in bins)


def _scores(found: Stats) -> Figure | None:
    labels = sorted(row["label"] for row in found["labels"])
    if not labels:
        return None
    threshold = found["metrics"].get("threshold")
    line = f" The threshold is {decimal(threshold)}." if _told(threshold) else ""
    return distribution(
        "score",
        "Does the score part wanted pages from others?",
        f"A good classifier piles agent pages up at the right and general pages at the left.{line}",
        found["scores"],
        x="probability of being an agent page",
        groups=labels,
        caption="Pages by score and label",
    )
