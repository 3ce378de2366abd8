"""One document of each kind, for readers who want to see what a corpus holds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from corpus.browse.lookup import by_id
from corpus.report.counters import NO_VALUE
from corpus.report.workspace import Workspace, batches

LONGEST = 900  # characters of a document that are shown
MOST = 8  # documents
RETRIEVED = "retrieved page"
_FIRST = ("tool_doc", "function_call", "trajectory", "plan", RETRIEVED, "code", "text")
_COLUMNS = ("id", "kind", "title", "url", "source", "licence", "text")


def samples(space: Workspace) -> list[dict[str, Any]]:
    """Of each kind the document with the smallest id, and one page of the crawl; kinds of agent data first.

    They are looked for in the redacted seeds, the last pages, and the first training set.
    """
    found: dict[str, dict[str, Any]] = {}
    for stage, table, kind in (("clean_seeds", "seeds", ""), *_PAGES, ("shards", "stage1", "")):
        if not space.has(stage, table) or kind in found:
            continue
        files = space.files(stage, table)
        names = {name: kind or own for own, name in _smallest(files, whole=bool(kind)).items()}
        new = {name: own for name, own in names.items() if own not in found}
        for one in by_id(files, list(new), _COLUMNS) if new else ():
            own = new[one.values["id"]]
            found.setdefault(own, _shown(own, one.values))
    order = sorted(found, key=lambda kind: (_FIRST.index(kind) if kind in _FIRST else len(_FIRST), kind))
    return [found[kind] for kind in order[:MOST]]


_PAGES = (("matched", "pages", RETRIEVED), ("clean", "pages", RETRIEVED))


def _smallest(files: list[str], *, whole: bool) -> dict[str, str]:
    """The smallest id of each kind, or of the whole table."""
    first: dict[str, str] = {}
    for batch in batches(files, {"id": "id", "kind": "kind"}):
        for row in pa.Table.from_batches([batch]).group_by("kind").aggregate([("id", "min")]).to_pylist():
            kind = "" if whole else row["kind"] or NO_VALUE
            first[kind] = min(first.get(kind, row["id_min"]), row["id_min"])
    return first


def _shown(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    text = values.get("text") or ""
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()}\n…"
    return {
        "kind": kind,
        **{name: values.get(name) for name in ("title", "url", "source", "licence")},
        "text": cut,
    }
