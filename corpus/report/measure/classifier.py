"""Numbers of the classifier: its own metrics file, and the distribution of the scores it was measured on."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from corpus.report.counters import Bins, TopCounter
from corpus.report.workspace import Workspace, batches, read_json


def numbers(space: Workspace, top: int) -> dict[str, Any]:
    """`metrics` is metrics.json as it was written; `scores` is a histogram by label with 40 bins."""
    scores, labels, given_by, sites = Bins(0.0, 1.0, 40), TopCounter(), TopCounter(), TopCounter()
    columns = {name: name for name in ("label", "given_by", "site", "agent_score")}
    for batch in batches(space.files("classifier", "scores"), columns):
        labels.add(batch["label"])
        given_by.add(batch["given_by"])
        sites.add(batch["site"])
        for label in sorted(label for label in batch["label"].unique().to_pylist() if label):
            scores.add(batch.filter(pc.equal(batch["label"], label))["agent_score"], label)
    return {
        "metrics": read_json(space.path("classifier", "metrics.json")),
        "pages": labels.total,
        "sites": len(sites.counts),
        "labels": labels.rows("label", "pages"),
        "given_by": given_by.rows("given_by", "pages"),
        "scores": scores.rows(),
        "largest_sites": sites.rows("site", "pages", top),
    }
