"""The seed nearest to a page that matching dropped: the ledger keeps no score, so it is made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from corpus.browse.chapters import seed_title
from corpus.browse.road import Stop
from corpus.engine.config import build
from corpus.engine.errors import ForgeError


def nearest_seed(stop: Stop, page: Mapping[str, Any]) -> dict[str, Any]:
    """match_score, match_seed_id and the title of that seed; a sentence where no encoder is to be had.

    The encoder, its settings and the index are those of the stage, so the score is the stage's own.
    """
    from corpus.match.batches import score_pages
    from corpus.match.config import MatchConfig
    from corpus.match.encoder import placed

    settings = {**stop.found.config, "output": stop.folder, "device": "cpu"}
    try:
        config = build(MatchConfig, {**settings, "encoder": placed(str(settings["encoder"]))})
        columns = ("id", "url", "agent_score", "title", "text")
        types = (pa.string(), pa.string(), pa.float32(), pa.string(), pa.string())
        arrays = [pa.array([page.get(name)], kind) for name, kind in zip(columns, types)]
        batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
        (found,) = score_pages(config, stop.folder, 1)(iter([batch]))
    except (ForgeError, OSError) as error:
        return {"match_score": f"not made again: {error}"}
    row = found.to_pylist()[0]
    names = ("match_score", "match_seed_id", "match_source", "match_kind")
    return {**{name: row[name] for name in names}, **seed_title(stop, row["match_seed_id"])}
