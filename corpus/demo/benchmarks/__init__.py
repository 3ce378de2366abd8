"""The demo's benchmark: a handful of items, all written for it, that the corpus is to be kept free of.

The files lie beside this module in the layout of function-calling benchmarks: questions in one file, gold
calls under the same ids in another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
FILES = ("harbour_questions.jsonl", "harbour_answers.jsonl")


def write_benchmarks(folder: Path) -> list[Path]:
    """Copy the files into `folder` and return them in order."""
    written = []
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((_HERE / name).read_text(encoding="utf-8"), encoding="utf-8", newline="\n")
        written.append(path)
    return written


def items() -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(id, question, gold calls) of all items; an argument of a call lists the values that are accepted."""
    questions, answers = (
        [json.loads(line) for line in (_HERE / name).open(encoding="utf-8")] for name in FILES
    )
    gold = {row["id"]: row["ground_truth"] for row in answers}
    return [(row["id"], row["question"][0][0]["content"], gold[row["id"]]) for row in questions]
