"""One document of each kind, as it is (the paper's figure 6)."""

from __future__ import annotations

from typing import Any

from corpus.report.parts import Example, Section


def section(stats: dict[str, Any]) -> Section:
    found = stats["samples"]
    if not found:
        return Section(
            "formats", "Examples", "Nothing to show: no stage with texts has finished in this workspace."
        )
    examples = [
        Example(
            f"{row['kind'].replace('_', ' ')}: {row['title'] or row['url'] or 'without a title'}",
            f"{row['source'] or 'no source'}, {row['licence'] or 'no licence stated'}",
            row["text"],
        )
        for row in found
    ]
    lead = (
        "One document of each kind, cut short: the first by its id, which as a hash prefers nobody. "
        "They are shown as they would be trained on."
    )
    return Section("formats", "What the documents look like", lead, (), (), examples)
